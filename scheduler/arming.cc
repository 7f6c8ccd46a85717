#include "scheduler/arming.h"

#include <algorithm>

namespace station::scheduler {
namespace {

bool EqualWithoutCase(const std::string& a, const std::string& b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool LetGoAltogether(const Arming& arming) {
  if (!arming.serial_numbers.empty()) return false;  // a serial number's phone may still come
  return std::ranges::all_of(
             arming.ports,
             [&](const PortKey& port) { return arming.let_go_ports.contains(port); }) &&
         std::ranges::all_of(arming.ecids,
                             [&](Ecid ecid) { return arming.let_go_phones.contains(ecid); });
}

}  // namespace

Match Matches(const Arming& arming, const Candidate& phone, WallTime now) {
  if (!arming.Open(now)) return Match::kNo;
  if (arming.let_go_ports.contains(phone.port)) return Match::kNo;
  if (phone.ecid.Known() &&
      (arming.taken.contains(phone.ecid) || arming.let_go_phones.contains(phone.ecid)))
    return Match::kNo;
  if (std::ranges::find(arming.ports, phone.port) != arming.ports.end()) return Match::kYes;
  if (phone.ecid.Known() && std::ranges::find(arming.ecids, phone.ecid) != arming.ecids.end())
    return Match::kYes;
  if (arming.serial_numbers.empty()) return Match::kNo;
  if (phone.serial_number.empty()) return Match::kUnknown;
  const auto same = [&](const std::string& serial) {
    return EqualWithoutCase(serial, phone.serial_number);
  };
  return std::ranges::any_of(arming.serial_numbers, same) ? Match::kYes : Match::kNo;
}

Status ArmingBook::Check(const Arming& arming) {
  if (arming.ports.empty() && arming.ecids.empty() && arming.serial_numbers.empty())
    return Fail(ErrorCode::kBadRequest, "an arming names ports, ECIDs or serial numbers");
  if (arming.action != Action::kErase && arming.action != Action::kUpdate)
    return Fail(ErrorCode::kBadRequest, "an arming is for erase or update");
  if (arming.count <= 0) return Fail(ErrorCode::kBadRequest, "the count must be above 0");
  if (arming.expires <= arming.created)
    return Fail(ErrorCode::kBadRequest, "the expiry must lie ahead");
  if (arming.countdown < std::chrono::seconds(0) || arming.countdown > std::chrono::hours(1))
    return Fail(ErrorCode::kBadRequest, "the countdown is from 0 s to 1 h");
  return {};
}

void ArmingBook::Add(Arming arming) {
  const ArmingId id = arming.id;
  armings_.insert_or_assign(id, std::move(arming));
}

const Arming* ArmingBook::Find(ArmingId id) const {
  const auto found = armings_.find(id);
  return found == armings_.end() ? nullptr : &found->second;
}

std::optional<std::pair<ArmingId, Match>> ArmingBook::For(const Candidate& phone,
                                                          WallTime now) const {
  std::optional<std::pair<ArmingId, Match>> maybe;
  for (const auto& [id, arming] : armings_) {
    const Match match = Matches(arming, phone, now);
    if (match == Match::kYes) return std::pair(id, match);
    if (match == Match::kUnknown && !maybe) maybe = std::pair(id, match);
  }
  return maybe;
}

Status ArmingBook::Take(ArmingId id, Ecid ecid, WallTime now) {
  const auto found = armings_.find(id);
  if (found == armings_.end() || !found->second.Open(now))
    return Fail(ErrorCode::kNotFound, "the arming is over");
  if (!found->second.taken.insert(ecid).second)
    return Fail(ErrorCode::kNotFound, "the arming took this phone before");
  return {};
}

bool ArmingBook::End(ArmingId id) {
  const auto found = armings_.find(id);
  if (found == armings_.end()) return false;
  return std::exchange(found->second.active, false);
}

bool ArmingBook::LetGo(ArmingId id, const PortKey& port, Ecid ecid) {
  const auto found = armings_.find(id);
  if (found == armings_.end() || !found->second.active) return false;
  found->second.let_go_ports.insert(port);
  if (ecid.Known()) found->second.let_go_phones.insert(ecid);
  if (LetGoAltogether(found->second)) found->second.active = false;
  return true;
}

std::vector<ArmingId> ArmingBook::Expire(WallTime now) {
  std::vector<ArmingId> over;
  for (auto& [id, arming] : armings_) {
    if (!arming.active || now < arming.expires) continue;
    arming.active = false;
    over.push_back(id);
  }
  return over;
}

std::optional<WallTime> ArmingBook::NextExpiry() const {
  std::optional<WallTime> next;
  for (const auto& [id, arming] : armings_)
    if (arming.active && (!next || arming.expires < *next)) next = arming.expires;
  return next;
}

}  // namespace station::scheduler
