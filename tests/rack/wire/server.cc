#include "tests/rack/wire/server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>

namespace rack {

SocketServer::SocketServer(station::Fd listener, Serve serve)
    : listener_(std::move(listener)), wake_(eventfd(0, EFD_CLOEXEC)), serve_(std::move(serve)) {
  acceptor_ = std::thread([this] { AcceptUntilStopped(); });
}

SocketServer::~SocketServer() {
  eventfd_write(wake_.Get(), 1);
  acceptor_.join();
  listener_.Close();  // who comes now is refused, not kept waiting until the others have gone
  {
    const std::lock_guard lock(mutex_);
    for (const Connection& connection : connections_)
      if (connection.stream) connection.stream->Shutdown();
  }
  for (Connection& connection : connections_) connection.thread.join();
}

void SocketServer::AcceptUntilStopped() {
  while (true) {
    std::array<pollfd, 2> waiting{{{listener_.Get(), POLLIN, 0}, {wake_.Get(), POLLIN, 0}}};
    if (poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return;
    if (waiting[1].revents != 0) return;
    if (waiting[0].revents == 0) continue;
    station::Fd fd(accept4(listener_.Get(), nullptr, nullptr, SOCK_CLOEXEC));
    ReapFinished();
    if (fd.Valid())
      Start(std::move(fd));
    else
      std::this_thread::sleep_for(
          std::chrono::milliseconds(10));  // out of descriptors: let some close
  }
}

void SocketServer::Start(station::Fd fd) {
  const std::lock_guard lock(mutex_);
  Connection& connection = connections_.emplace_back();
  connection.stream = std::make_shared<Stream>(std::move(fd));
  connection.thread = std::thread([this, &connection] {
    serve_(connection.stream);
    const std::lock_guard done(mutex_);
    connection.done = true;
    connection.stream.reset();
  });
}

void SocketServer::ReapFinished() {
  std::list<Connection> finished;
  {
    const std::lock_guard lock(mutex_);
    for (auto it = connections_.begin(); it != connections_.end();) {
      const auto next = std::next(it);
      if (it->done) finished.splice(finished.end(), connections_, it);
      it = next;
    }
  }
  for (Connection& connection : finished) connection.thread.join();
}

}  // namespace rack
