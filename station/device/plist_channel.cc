#include "station/device/plist_channel.h"

#include <algorithm>
#include <array>
#include <limits>

namespace station::device {
namespace {
constexpr std::uint32_t kLargest = 64U << 20U;
constexpr std::uint64_t kPiece = 64 * 1024;  // at most, to one send
constexpr std::chrono::milliseconds kSendStall{30000};
constexpr std::chrono::milliseconds kWithinMessage{30000};
}  // namespace

Status PlistChannel::Send(const plist::Plist& message, JobControl& control) {
  connection_.Show(Direction::kToPhone, message.Get());
  const std::string xml = message.ToXml();
  return SendPieces(SourceOf(xml), control);
}

Status PlistChannel::SendWritten(const ByteSource& message, JobControl& control) {
  if (connection_.IsShown()) STATION_CHECK(ShowWritten(message));
  return SendPieces(message, control);
}

// For a capture alone is a message held whole.
Status PlistChannel::ShowWritten(const ByteSource& message) {
  std::vector<std::uint8_t> whole;
  STATION_CHECK(message.pass([&](std::span<const std::uint8_t> bytes) -> Status {
    whole.insert(whole.end(), bytes.begin(), bytes.end());
    return {};
  }));
  if (const auto parsed = plist::Plist::Parse(whole))
    connection_.Show(Direction::kToPhone, parsed->Get());
  return {};
}

Status PlistChannel::SendPieces(const ByteSource& message, JobControl& control) {
  if (message.size > std::numeric_limits<std::uint32_t>::max())
    return Fail(ErrorCode::kRestoreDialogue,
                "a message of " + std::to_string(message.size) + " bytes");
  // The length goes with what follows: receivers read its four bytes with a single call
  // (restore-protocol 6.1).
  std::array<std::uint8_t, 4> length{};
  for (std::size_t i = 0; i < length.size(); ++i)
    length[i] = static_cast<std::uint8_t>(message.size >> (24 - 8 * i));
  BlockCutter pieces(std::min(message.size + length.size(), kPiece),
                     [&](std::span<const std::uint8_t> piece) {
                       return connection_.Send(piece, kSendStall, control);
                     });
  STATION_CHECK(pieces.Feed(length));
  STATION_CHECK(
      message.pass([&](std::span<const std::uint8_t> bytes) { return pieces.Feed(bytes); }));
  return pieces.Flush();
}

Result<plist::Plist> PlistChannel::Receive(std::chrono::milliseconds timeout, JobControl& control) {
  std::array<std::uint8_t, 4> head{};
  STATION_TRY(first, connection_.ReceiveSome(head, timeout, control));
  if (first == 0) return Fail(ErrorCode::kPhoneGone, "the phone closed the connection");
  STATION_CHECK(
      connection_.ReceiveExactly(std::span(head).subspan(first), kWithinMessage, control));
  const std::uint32_t size = std::uint32_t{head[0]} << 24U | std::uint32_t{head[1]} << 16U |
                             std::uint32_t{head[2]} << 8U | head[3];
  if (size == 0 || size > kLargest)
    return Fail(ErrorCode::kRestoreDialogue, "a message of " + std::to_string(size) + " bytes");
  std::vector<std::uint8_t> body(size);
  STATION_CHECK(connection_.ReceiveExactly(body, kWithinMessage, control));
  auto message = plist::Plist::Parse(body);
  if (!message) return Fail(ErrorCode::kRestoreDialogue, "a message that is no property list");
  connection_.Show(Direction::kFromPhone, message->Get());
  return message;
}

Result<plist::Plist> PlistChannel::Ask(const plist::Plist& message,
                                       std::chrono::milliseconds timeout, JobControl& control) {
  STATION_CHECK(Send(message, control));
  return Receive(timeout, control);
}

}  // namespace station::device
