#include "station/link/channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace station::link {
namespace {

constexpr std::size_t kLargestPacket = 128 * 1024;  // below the default socket buffer
constexpr std::size_t kMostDescriptors = 8;

Result<sockaddr_un> Address(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = path.string();
  if (text.size() >= sizeof address.sun_path)
    return Fail(ErrorCode::kConfigInvalid, "socket path is longer than 107 characters: " + text);
  std::memcpy(address.sun_path, text.data(), text.size());
  return address;
}

union ControlBuffer {
  cmsghdr header;
  char bytes[CMSG_SPACE(kMostDescriptors * sizeof(int))];
};

void TakeDescriptors(msghdr& message, Packet& packet) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      packet.descriptors.emplace_back(fd);
    }
  }
}

}  // namespace

Result<Channel> Channel::Connect(const std::filesystem::path& path) {
  STATION_TRY(address, Address(path));
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!fd.Valid()) return FailErrno("making a socket", errno);
  if (::connect(fd.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return Fail(ErrorCode::kLinkLost, "connecting to " + path.string() + ": " + std::strerror(errno));
  return Channel(std::move(fd));
}

Status Channel::Send(const google::protobuf::MessageLite& message, std::span<const int> descriptors) const {
  std::string bytes = message.SerializeAsString();
  if (bytes.empty() || bytes.size() > kLargestPacket || descriptors.size() > kMostDescriptors)
    return Fail(ErrorCode::kInternal, "a packet of " + std::to_string(bytes.size()) + " bytes cannot be sent");
  iovec part{bytes.data(), bytes.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  ControlBuffer control{};
  if (!descriptors.empty()) {
    header.msg_control = control.bytes;
    header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
  }
  while (::sendmsg(socket_.Get(), &header, MSG_NOSIGNAL) < 0) {
    if (errno == EINTR) continue;
    if (errno == EAGAIN) return Fail(ErrorCode::kUnavailable, "the peer does not read");
    return Fail(ErrorCode::kLinkLost, std::string("sending on the link: ") + std::strerror(errno));
  }
  return {};
}

Result<std::optional<Packet>> Channel::Receive() const {
  Packet packet;
  packet.bytes.resize(kLargestPacket);
  iovec part{packet.bytes.data(), packet.bytes.size()};
  ControlBuffer control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes;
  header.msg_controllen = sizeof control.bytes;
  ssize_t size = 0;
  while ((size = ::recvmsg(socket_.Get(), &header, MSG_CMSG_CLOEXEC)) < 0) {
    if (errno == EINTR) continue;
    if (errno == EAGAIN) return Fail(ErrorCode::kUnavailable, "nothing to read");
    return Fail(ErrorCode::kLinkLost, std::string("receiving on the link: ") + std::strerror(errno));
  }
  TakeDescriptors(header, packet);
  if (size == 0) return std::optional<Packet>();
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return Fail(ErrorCode::kLinkVersion, "a packet is too large");
  packet.bytes.resize(static_cast<std::size_t>(size));
  return std::optional(std::move(packet));
}

void Channel::Finish() {
  ::shutdown(socket_.Get(), SHUT_RD);
  for (bool more = true; more;) {
    const auto packet = Receive();
    more = packet && *packet;
  }
  socket_.Close();
}

Result<Fd> Listen(const std::filesystem::path& path) {
  STATION_TRY(address, Address(path));
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.Valid()) return FailErrno("making a socket", errno);
  ::unlink(path.c_str());
  const mode_t mask = ::umask(0177);
  const int bound = ::bind(fd.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int bind_error = errno;
  ::umask(mask);
  if (bound != 0) return FailErrno("binding " + path.string(), bind_error);
  if (::listen(fd.Get(), 128) != 0) return FailErrno("listening on " + path.string(), errno);
  return fd;
}

}  // namespace station::link
