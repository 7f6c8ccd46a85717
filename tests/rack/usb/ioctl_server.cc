#include "tests/rack/usb/ioctl_server.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace rack {
namespace {

constexpr std::uint64_t kStopId = 0;

bool ReceiveMessage(int socket, PreloadMessage& message) {
  return ReceiveExactly(socket, {reinterpret_cast<std::uint8_t*>(&message), sizeof message});
}

// The process that opened the file; 0 when it cannot be seen from here.
pid_t PeerPid(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return 0;
  return peer.pid;
}

// Tells the client to run it natively and echoes what came of it.
bool RunNatively(int socket, PreloadMessage& message) {
  return SendMessage(socket, PreloadCommand::kRun, 0, 0) && ReceiveMessage(socket, message) &&
         message.command == static_cast<std::uint64_t>(PreloadCommand::kResult) &&
         SendMessage(socket, PreloadCommand::kDone, message.first, message.second);
}

bool Answer(int socket, IoctlHandler& handler, const PreloadMessage& message) {
  IoctlReply reply = {-1, EINVAL};
  if (message.command == static_cast<std::uint64_t>(PreloadCommand::kIoctl))
    reply = handler.Ioctl(message.first, message.second);
  else if (message.command == static_cast<std::uint64_t>(PreloadCommand::kRead))
    reply = handler.Read(message.first, message.second);
  else if (message.command != static_cast<std::uint64_t>(PreloadCommand::kWrite))
    return false;
  return SendMessage(socket, PreloadCommand::kDone, static_cast<std::uint64_t>(reply.value),
                     static_cast<std::uint64_t>(reply.error));
}

}  // namespace

void ServeConnection(int socket, const IoctlServer::MakeHandler& make_handler) {
  ClientMemory memory(socket, PeerPid(socket));
  std::unique_ptr<IoctlHandler> handler;
  if (make_handler) handler = make_handler(memory, socket);
  PreloadMessage message;
  bool going = true;
  while (going && ReceiveMessage(socket, message))
    going = handler ? Answer(socket, *handler, message) : RunNatively(socket, message);
}

IoctlServer::IoctlServer()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      stop_(::eventfd(0, EFD_CLOEXEC)),
      spare_(::eventfd(0, EFD_CLOEXEC)) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kStopId;
  ::epoll_ctl(epoll_.Get(), EPOLL_CTL_ADD, stop_.Get(), &event);
  acceptor_ = std::thread(&IoctlServer::AcceptLoop, this);
}

IoctlServer::~IoctlServer() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_.Get(), &one, sizeof one);
  acceptor_.join();
  std::unique_lock lock(mutex_);
  for (const auto& [id, listener] : listeners_) ::unlink(listener.path.c_str());
  listeners_.clear();
  for (const auto& [id, socket] : connections_) ::shutdown(socket, SHUT_RDWR);
  all_ended_.wait(lock, [this] { return connections_.empty(); });
}

station::Result<std::uint64_t> IoctlServer::Listen(const std::string& path,
                                                   MakeHandler make_handler) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return station::Fail(station::ErrorCode::kBadRequest, "socket path too long: " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  station::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.Valid()) return station::FailErrno("making a socket", errno);
  ::unlink(path.c_str());
  if (::bind(socket.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(path.c_str(), 0666) != 0 || ::listen(socket.Get(), SOMAXCONN) != 0)
    return station::FailErrno("listening at " + path, errno);
  const std::lock_guard lock(mutex_);
  const std::uint64_t id = next_id_++;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = id;
  if (::epoll_ctl(epoll_.Get(), EPOLL_CTL_ADD, socket.Get(), &event) != 0)
    return station::FailErrno("watching " + path, errno);
  listeners_[id] = {std::move(socket), path,
                    std::make_shared<const MakeHandler>(std::move(make_handler))};
  return id;
}

void IoctlServer::Close(std::uint64_t listener, bool cut_off) {
  const std::lock_guard lock(mutex_);
  if (const auto found = listeners_.find(listener); found != listeners_.end()) {
    ::unlink(found->second.path.c_str());
    listeners_.erase(found);
  }
  if (!cut_off) return;
  const auto [first, last] = connections_.equal_range(listener);
  for (auto connection = first; connection != last; ++connection)
    ::shutdown(connection->second, SHUT_RDWR);
}

void IoctlServer::AcceptLoop() {
  while (true) {
    std::array<epoll_event, 16> events{};
    const int count = ::epoll_wait(epoll_.Get(), events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      const std::uint64_t id = events[static_cast<std::size_t>(i)].data.u64;
      if (id == kStopId) return;
      Accept(id);
    }
  }
}

void IoctlServer::Accept(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  const auto found = listeners_.find(id);
  if (found == listeners_.end()) return;
  const int accepted = ::accept4(found->second.socket.Get(), nullptr, nullptr, SOCK_CLOEXEC);
  if (accepted < 0) {
    if (errno == EMFILE || errno == ENFILE) TurnAway(found->second.socket.Get());
    return;
  }
  const auto socket = std::make_shared<station::Fd>(accepted);
  const auto connection = connections_.emplace(id, accepted);
  try {
    // Detached, and counted by connections_: the destructor waits for the last one.
    std::thread(&IoctlServer::ServeAndForget, this, id, socket, found->second.make_handler)
        .detach();
  } catch (const std::system_error&) {  // no more threads: the client sees the end of file
    connections_.erase(connection);
  }
}

// Else the listening socket would stay ready and the acceptor would spin.
void IoctlServer::TurnAway(int listening) {
  spare_.Close();
  spare_ = station::Fd();
  { const station::Fd refused(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC)); }
  spare_ = station::Fd(::eventfd(0, EFD_CLOEXEC));
}

void IoctlServer::ServeAndForget(std::uint64_t listener, const std::shared_ptr<station::Fd>& socket,
                                 const std::shared_ptr<const MakeHandler>& make_handler) {
  ServeConnection(socket->Get(), *make_handler);
  const std::lock_guard lock(mutex_);
  const auto [first, last] = connections_.equal_range(listener);
  for (auto connection = first; connection != last; ++connection)
    if (connection->second == socket->Get()) {
      connections_.erase(connection);
      break;
    }
  socket->Close();
  all_ended_.notify_all();
}

}  // namespace rack
