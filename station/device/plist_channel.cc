#include "station/device/plist_channel.h"

#include <array>

namespace station::device {
namespace {
constexpr std::uint32_t kLargest = 64U << 20U;
constexpr std::chrono::milliseconds kSendStall{30000};
constexpr std::chrono::milliseconds kWithinMessage{30000};
}  // namespace

Status PlistChannel::Send(const plist::Plist& message, JobControl& control) {
  return SendWritten(message.ToXml(), control);
}

Status PlistChannel::SendWritten(std::string_view message, JobControl& control) {
  const auto size = static_cast<std::uint32_t>(message.size());
  // One piece: receivers read the four length bytes with a single call (restore-protocol 6.1).
  std::string bytes;
  bytes.reserve(message.size() + 4);
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes.push_back(static_cast<char>(size >> shift & 0xFFU));
  bytes += message;
  return connection_.Send({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()},
                          kSendStall, control);
}

Result<plist::Plist> PlistChannel::Receive(std::chrono::milliseconds timeout, JobControl& control) {
  std::array<std::uint8_t, 4> head{};
  STATION_TRY(first, connection_.ReceiveSome(head, timeout, control));
  if (first == 0) return Fail(ErrorCode::kPhoneGone, "the phone closed the connection");
  STATION_CHECK(connection_.ReceiveExactly(std::span(head).subspan(first), kWithinMessage, control));
  const std::uint32_t size = std::uint32_t{head[0]} << 24U | std::uint32_t{head[1]} << 16U | std::uint32_t{head[2]} << 8U | head[3];
  if (size == 0 || size > kLargest) return Fail(ErrorCode::kRestoreDialogue, "a message of " + std::to_string(size) + " bytes");
  std::vector<std::uint8_t> body(size);
  STATION_CHECK(connection_.ReceiveExactly(body, kWithinMessage, control));
  auto message = plist::Plist::Parse(body);
  if (!message) return Fail(ErrorCode::kRestoreDialogue, "a message that is no property list");
  return message;
}

Result<plist::Plist> PlistChannel::Ask(const plist::Plist& message, std::chrono::milliseconds timeout, JobControl& control) {
  STATION_CHECK(Send(message, control));
  return Receive(timeout, control);
}

}  // namespace station::device
