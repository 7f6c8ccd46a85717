#pragma once
// One connection between stationd and a process it started.

#include <google/protobuf/message_lite.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "station/base/fd.h"
#include "station/base/result.h"

namespace station::link {

// Both ends must name the same; a daemon of another version answers Refused{kLinkVersion}.
inline constexpr std::uint32_t kLinkVersion = 1;

struct Packet {
  std::string bytes;
  std::vector<Fd> descriptors;
};

class Channel {
 public:
  explicit Channel(Fd socket) : socket_(std::move(socket)) {}
  // kLinkLost when nobody listens at `path`.
  [[nodiscard]] static Result<Channel> Connect(const std::filesystem::path& path);

  // Whole or not at all; blocks while the peer does not read (unless the descriptor is non-blocking: kUnavailable).
  [[nodiscard]] Status Send(const google::protobuf::MessageLite& message, std::span<const int> descriptors = {}) const;
  // The next packet; nothing when the peer closed. kUnavailable when non-blocking and nothing is there.
  [[nodiscard]] Result<std::optional<Packet>> Receive() const;
  // Receive and parse; a packet that does not parse is kLinkVersion.
  template <typename Message>
  [[nodiscard]] Result<std::optional<Message>> ReceiveMessage() const {
    STATION_TRY(packet, Receive());
    if (!packet) return std::optional<Message>();
    Message message;
    if (!message.ParseFromString(packet->bytes)) return Fail(ErrorCode::kLinkVersion, "a packet does not parse");
    return std::optional<Message>(std::move(message));
  }

  // Ends a connection so that the peer reads everything sent: closing with packets unread would reset the socket, and
  // the last report might be lost.
  void Finish();

  [[nodiscard]] const Fd& Socket() const { return socket_; }

 private:
  Fd socket_;
};

// A listening socket (close-on-exec, non-blocking) with mode 0600; an old file at `path` is replaced. Paths over 107
// characters are kConfigInvalid.
[[nodiscard]] Result<Fd> Listen(const std::filesystem::path& path);

}  // namespace station::link
