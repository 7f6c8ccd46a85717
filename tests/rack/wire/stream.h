#pragma once
// One connection: a socket with timeouts, which another thread may end at any moment (the phone is
// unplugged, the rack stops), and which may turn to TLS in mid-stream. Also the listening sockets
// and the 4-byte framing that lockdownd and restored share.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "station/base/fd.h"
#include "tests/rack/wire/gate.h"
#include "tests/rack/wire/tls.h"
#include "tests/rack/wire/value.h"

namespace rack {

inline constexpr std::chrono::milliseconds kForever{-1};

class Stream {
 public:
  // Told of every message that passes: whether it came in, and what it was.
  using Tap = std::function<void(bool incoming, const Value&)>;

  explicit Stream(station::Fd fd) : fd_(std::move(fd)) {}

  // Up to `out.size()` bytes; 0 when the other side closed or the stream was shut down; nothing on
  // timeout.
  [[nodiscard]] std::optional<std::size_t> ReadSome(std::span<std::uint8_t> out,
                                                    std::chrono::milliseconds timeout = kForever);
  // All of `out`; false when it closed early or nothing came for `timeout`.
  [[nodiscard]] bool ReadExact(std::span<std::uint8_t> out,
                               std::chrono::milliseconds timeout = kForever);
  // False when the other side is gone.
  bool Write(std::span<const std::uint8_t> bytes);
  bool Write(std::string_view text) { return Write(AsBytes(text)); }
  // Never waits: a reader who lets its socket fill up is shut down.
  void WriteNow(std::string_view text);
  // Before the first byte: reads and writes wait while `gate`, which outlives the stream, is shut.
  void PassThrough(Gate& gate) { gate_ = &gate; }
  // Wakes every reader and writer; may be called from any thread.
  void Shutdown() const;
  // The other side closed, or the stream was shut down; what it sent before may be unread.
  [[nodiscard]] bool IsOver() const;

  // Set before anybody else uses the stream; an empty one listens to nothing.
  void SetTap(Tap tap) { tap_ = std::move(tap); }
  void Passed(bool incoming, const Value& message) const {
    if (tap_) tap_(incoming, message);
  }

  // From here on everything passes through TLS. False when the host shook hands badly: the stream
  // is of no use then.
  [[nodiscard]] bool BeginTls(const TlsTerms& terms);
  // Back to plain.
  void EndTls();
  // Past TLS: for its own records.
  [[nodiscard]] std::optional<std::size_t> ReadPlain(std::span<std::uint8_t> out,
                                                     std::chrono::milliseconds timeout);
  bool WritePlain(std::span<const std::uint8_t> bytes);

 private:
  station::Fd fd_;
  Tap tap_;
  Gate* gate_ = nullptr;
  std::unique_ptr<TlsLayer>
      tls_;  // null while plain; it refers to this stream, so no move after it
};

// Big-endian length, then a property list. Nothing when it closed, timed out or was no property
// list.
[[nodiscard]] std::optional<Value> ReadFrame(Stream& stream,
                                             std::chrono::milliseconds timeout = kForever);
// XML, length and body in one write, as clients need it.
bool WriteFrame(Stream& stream, const Value& message);
// The same as a binary property list.
bool WriteBinaryFrame(Stream& stream, const Value& message);

[[nodiscard]] station::Result<station::Fd> ListenUnix(const std::string& path, int backlog);
[[nodiscard]] station::Result<station::Fd> ConnectUnix(const std::string& path);
struct TcpListener {
  station::Fd fd;
  std::uint16_t port = 0;
};
[[nodiscard]] station::Result<TcpListener> ListenLoopback(std::uint16_t port, int backlog);

}  // namespace rack
