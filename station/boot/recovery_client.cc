#include "station/boot/recovery_client.h"

#include <algorithm>
#include <array>

#include "station/boot/opened_phone.h"

namespace station::boot {
namespace {

constexpr std::uint8_t kVendorOut = 0x40;
constexpr std::uint8_t kVendorIn = 0xC0;
constexpr std::uint8_t kBulkOut = 0x04;
constexpr std::size_t kUploadBlock = 0x8000;
constexpr std::size_t kPacket = 512;          // of the bulk endpoint at high speed
constexpr std::size_t kLongestCommand = 255;  // and its NUL
constexpr std::chrono::milliseconds kBlockTimeout{10000};
constexpr std::chrono::milliseconds kPokeTimeout{5000};

}  // namespace

Result<RecoveryClient> RecoveryClient::Open(Ecid ecid) {
  STATION_TRY(phone, OpenedPhone::Open(ecid));
  if (phone->InDfu())
    return Fail(ErrorCode::kRecoveryOpen, "the phone is in DFU mode, not in recovery mode");
  BootInfo info = phone->Info();
  return RecoveryClient(std::move(phone), std::move(info));
}

Status RecoveryClient::Upload(const ByteSource& image, JobControl& control) {
  const auto fail = [&](int answer) {
    return Fail(ErrorCode::kRecoveryUpload, "sending " + std::to_string(image.size) +
                                                " bytes: usb answers " + std::to_string(answer));
  };
  if (const int begun = phone_->Control({0x41, 0}, {}); begun < 0) return fail(begun);
  BlockCutter blocks(kUploadBlock, [&](std::span<const std::uint8_t> block) -> Status {
    STATION_CHECK(control.KeepGoing());
    const int moved = phone_->BulkOut(kBulkOut, block, kBlockTimeout);
    return moved == static_cast<int>(block.size()) ? Status() : fail(moved);
  });
  STATION_CHECK(
      image.pass([&](std::span<const std::uint8_t> bytes) { return blocks.Feed(bytes); }));
  STATION_CHECK(blocks.Flush());
  // Without it a file of whole packets has no end on the wire; libirecovery sends it from 1.0.1 on.
  if (image.size % kPacket == 0)
    if (const int ended = phone_->BulkOut(kBulkOut, {}, kBlockTimeout); ended < 0)
      return fail(ended);
  return {};
}

int RecoveryClient::SendCommand(const std::string& command, std::uint8_t request) {
  std::string text = command;
  return phone_->Control({kVendorOut, request},
                         {reinterpret_cast<std::uint8_t*>(text.data()), text.size() + 1});
}

Status RecoveryClient::Command(const std::string& command) {
  if (command.size() > kLongestCommand)
    return Fail(ErrorCode::kInternal, "a command of " + std::to_string(command.size()) + " bytes");
  const int sent = SendCommand(command, 0);
  if (sent < 0)
    return Fail(ErrorCode::kRecoveryCommand,
                "'" + command + "': usb answers " + std::to_string(sent));
  return {};
}

void RecoveryClient::CommandWithoutAnswer(const std::string& command) {
  (void)SendCommand(command, 1);
}

void RecoveryClient::FinishPoke() {
  (void)phone_->Control({.request_type = 0x21, .request = 1, .timeout = kPokeTimeout}, {});
}

std::optional<std::string> RecoveryClient::GetEnv(const std::string& name) {
  if (!Command("getenv " + name)) return std::nullopt;
  std::array<std::uint8_t, 255> answer{};
  const int got = phone_->Control({kVendorIn, 0}, answer);
  if (got <= 0 || got > static_cast<int>(answer.size())) return std::nullopt;
  const std::string value(answer.begin(), std::find(answer.begin(), answer.begin() + got, 0));
  if (value.empty()) return std::nullopt;
  return value;
}

}  // namespace station::boot
