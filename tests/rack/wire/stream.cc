#include "tests/rack/wire/stream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace rack {
namespace {

constexpr std::uint32_t kLongestFrame = 256U << 20U;

station::Result<sockaddr_un> UnixAddress(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path))
    return station::Fail(station::ErrorCode::kBadRequest, "socket path too long: " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

std::string Framed(const std::string& body) {
  const auto size = static_cast<std::uint32_t>(body.size());
  const std::string length{static_cast<char>(size >> 24U), static_cast<char>(size >> 16U),
                           static_cast<char>(size >> 8U), static_cast<char>(size)};
  return length + body;
}

}  // namespace

std::optional<std::size_t> Stream::ReadSome(std::span<std::uint8_t> out,
                                            std::chrono::milliseconds timeout) {
  return tls_ ? tls_->ReadSome(out, timeout) : ReadPlain(out, timeout);
}

bool Stream::Write(std::span<const std::uint8_t> bytes) {
  return tls_ ? tls_->Write(bytes) : WritePlain(bytes);
}

bool Stream::BeginTls(const TlsTerms& terms) {
  tls_ = TlsLayer::Accept(*this, terms);
  return tls_ != nullptr;
}

void Stream::EndTls() {
  if (tls_) tls_->Close();
  tls_.reset();
}

std::optional<std::size_t> Stream::ReadPlain(std::span<std::uint8_t> out,
                                             std::chrono::milliseconds timeout) {
  while (true) {
    pollfd waiting{fd_.Get(), POLLIN, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(timeout.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return std::nullopt;
    if (gate_ != nullptr) gate_->Pass();
    const ssize_t got = ready < 0 ? -1 : recv(fd_.Get(), out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    return got < 0 ? 0 : static_cast<std::size_t>(got);
  }
}

bool Stream::ReadExact(std::span<std::uint8_t> out, std::chrono::milliseconds timeout) {
  while (!out.empty()) {
    const auto got = ReadSome(out, timeout);
    if (!got || *got == 0) return false;
    out = out.subspan(*got);
  }
  return true;
}

bool Stream::WritePlain(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    if (gate_ != nullptr) gate_->Pass();
    const ssize_t sent = send(fd_.Get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

void Stream::WriteNow(std::string_view text) {
  const ssize_t sent = send(fd_.Get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent != static_cast<ssize_t>(text.size())) Shutdown();
}

void Stream::Shutdown() const { shutdown(fd_.Get(), SHUT_RDWR); }

bool Stream::IsOver() const {
  pollfd end{fd_.Get(), POLLRDHUP, 0};
  return poll(&end, 1, 0) > 0;
}

std::optional<Value> ReadFrame(Stream& stream, std::chrono::milliseconds timeout) {
  std::uint8_t header[4];
  if (!stream.ReadExact(header, timeout)) return std::nullopt;
  const std::uint32_t size = std::uint32_t{header[0]} << 24U | std::uint32_t{header[1]} << 16U |
                             std::uint32_t{header[2]} << 8U | header[3];
  if (size > kLongestFrame) return std::nullopt;
  Bytes body(size);
  if (!stream.ReadExact(body, timeout)) return std::nullopt;
  auto message = Value::Parse(body);
  if (!message) return std::nullopt;
  stream.Passed(true, *message);
  return std::move(*message);
}

bool WriteFrame(Stream& stream, const Value& message) {
  stream.Passed(false, message);
  return stream.Write(Framed(message.ToXml()));
}

bool WriteBinaryFrame(Stream& stream, const Value& message) {
  stream.Passed(false, message);
  return stream.Write(Framed(message.ToBinary()));
}

station::Result<station::Fd> ListenUnix(const std::string& path, int backlog) {
  STATION_TRY(address, UnixAddress(path));
  station::Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  unlink(path.c_str());
  if (bind(fd.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(fd.Get(), backlog) != 0)
    return station::FailErrno("listening on " + path, errno);
  return fd;
}

station::Result<station::Fd> ConnectUnix(const std::string& path) {
  STATION_TRY(address, UnixAddress(path));
  station::Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(fd.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return station::FailErrno("connecting to " + path, errno);
  return fd;
}

station::Result<TcpListener> ListenLoopback(std::uint16_t port, int backlog) {
  station::Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  setsockopt(fd.Get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(fd.Get(), generic, size) != 0 || listen(fd.Get(), backlog) != 0 ||
      getsockname(fd.Get(), generic, &size) != 0)
    return station::FailErrno("listening on 127.0.0.1", errno);
  return TcpListener{std::move(fd), ntohs(address.sin_port)};
}

}  // namespace rack
