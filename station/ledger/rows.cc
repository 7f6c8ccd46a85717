#include "station/ledger/rows.h"

namespace station::ledger {
namespace {

// Enums are stored by number; one a newer version wrote falls back to the first.
template <typename Enum, std::size_t N>
Enum EnumFrom(std::int64_t number, const std::array<Enum, N>& all) {
  for (const Enum value : all)
    if (static_cast<std::int64_t>(value) == number) return value;
  return all.front();
}

template <typename Enum>
std::int64_t Number(Enum value) {
  return static_cast<std::int64_t>(value);
}

Ecid EcidFrom(std::int64_t value) { return {static_cast<std::uint64_t>(value)}; }

}  // namespace

std::string JoinLines(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) text += value + '\n';
  return text;
}

std::vector<std::string> SplitLines(const std::string& text) {
  std::vector<std::string> values;
  std::size_t at = 0;
  for (std::size_t end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
    values.push_back(text.substr(at, end - at));
  return values;
}

PhoneFacts ReadPhone(const Statement& row, int first) {
  PhoneFacts phone;
  phone.ecid = EcidFrom(row.Int(first));
  phone.udid = row.Text(first + 1);
  phone.serial_number = row.Text(first + 2);
  phone.product = row.Text(first + 3);
  phone.product_name = row.Text(first + 4);
  phone.board = row.Text(first + 5);
  phone.os_version = row.Text(first + 6);
  phone.os_build = row.Text(first + 7);
  phone.mode = EnumFrom(row.Int(first + 8), kAllPhoneModes);
  phone.chip_id = static_cast<std::uint32_t>(row.Int(first + 9));
  phone.board_id = static_cast<std::uint32_t>(row.Int(first + 10));
  return phone;
}

JobRow ReadJob(const Statement& row) {
  JobRow job;
  job.id = {row.Int(0)};
  job.action = EnumFrom(row.Int(1), kAllActions);
  job.port = {row.Text(2)};
  job.port_label = row.Text(3);
  job.phone = ReadPhone(row, 4);
  job.firmware_sha256 = row.Text(15);
  job.firmware_version = row.Text(16);
  job.arming_id = row.Int(17);
  job.actor = row.Text(18);
  job.attempt = static_cast<int>(row.Int(19));
  job.created = {row.Int(20)};
  job.began = {row.Int(21)};
  job.ended = {row.Int(22)};
  job.outcome = EnumFrom(row.Int(23), kAllOutcomes);
  job.error =
      ErrorCodeFromNumber(static_cast<std::uint32_t>(row.Int(24))).value_or(ErrorCode::kInternal);
  job.context = row.Text(25);
  job.step = EnumFrom(row.Int(26), kAllSteps);
  job.signer_root = row.Text(27);
  job.simulated = row.Int(28) != 0;
  job.os_build_after = row.Text(29);
  return job;
}

ArmingRow ReadArming(const Statement& row) {
  ArmingRow arming;
  arming.id = row.Int(0);
  arming.ports = SplitLines(row.Text(1));
  arming.ecids = SplitLines(row.Text(2));
  arming.serial_numbers = SplitLines(row.Text(3));
  arming.action = EnumFrom(row.Int(4), kAllActions);
  arming.firmware = row.Text(5);
  arming.count = static_cast<int>(row.Int(6));
  arming.actor = row.Text(7);
  arming.created = {row.Int(8)};
  arming.expires = {row.Int(9)};
  arming.countdown_seconds = row.Int(10);
  arming.active = row.Int(11) != 0;
  arming.taken = SplitLines(row.Text(12));
  arming.let_go_ports = SplitLines(row.Text(13));
  arming.let_go_phones = SplitLines(row.Text(14));
  return arming;
}

void BindPhone(Statement& statement, const PhoneFacts& phone) {
  statement.Bind(static_cast<std::int64_t>(phone.ecid.value))
      .Bind(phone.udid)
      .Bind(phone.serial_number)
      .Bind(phone.product)
      .Bind(phone.product_name)
      .Bind(phone.board)
      .Bind(phone.os_version)
      .Bind(phone.os_build)
      .Bind(Number(phone.mode))
      .Bind(std::int64_t{phone.chip_id})
      .Bind(std::int64_t{phone.board_id});
}

void BindJob(Statement& statement, const JobRow& job) {
  statement.Bind(job.id.value).Bind(Number(job.action)).Bind(job.port.value).Bind(job.port_label);
  BindPhone(statement, job.phone);
  statement.Bind(job.firmware_sha256)
      .Bind(job.firmware_version)
      .Bind(job.arming_id)
      .Bind(job.actor)
      .Bind(std::int64_t{job.attempt})
      .Bind(job.created.value)
      .Bind(job.began.value)
      .Bind(job.ended.value)
      .Bind(Number(job.outcome))
      .Bind(Number(job.error))
      .Bind(job.context)
      .Bind(Number(job.step))
      .Bind(job.signer_root)
      .Bind(std::int64_t{job.simulated ? 1 : 0})
      .Bind(job.os_build_after);
}

void BindArming(Statement& statement, const ArmingRow& arming) {
  statement.Bind(arming.id)
      .Bind(JoinLines(arming.ports))
      .Bind(JoinLines(arming.ecids))
      .Bind(JoinLines(arming.serial_numbers))
      .Bind(Number(arming.action))
      .Bind(arming.firmware)
      .Bind(std::int64_t{arming.count})
      .Bind(arming.actor)
      .Bind(arming.created.value)
      .Bind(arming.expires.value)
      .Bind(arming.countdown_seconds)
      .Bind(std::int64_t{arming.active ? 1 : 0})
      .Bind(JoinLines(arming.taken))
      .Bind(JoinLines(arming.let_go_ports))
      .Bind(JoinLines(arming.let_go_phones));
}

}  // namespace station::ledger
