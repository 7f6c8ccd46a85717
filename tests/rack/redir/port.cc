#include "tests/rack/redir/port.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "tests/rack/redir/session.h"
#include "tests/rack/wire/stream.h"

namespace rack {

station::Result<std::unique_ptr<RedirPort>> RedirPort::Open(const std::filesystem::path& path) {
  STATION_TRY(listener, ListenUnix(path, 1));
  return std::unique_ptr<RedirPort>(new RedirPort(std::move(listener)));
}

RedirPort::RedirPort(station::Fd listener)
    : listener_(std::move(listener)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  thread_ = std::thread([this] { Run(); });
}

RedirPort::~RedirPort() {
  stopping_ = true;
  Wake();
  thread_.join();
}

bool RedirPort::Plug(PluggedDevice device) {
  {
    const std::lock_guard lock(mutex_);
    if (plugged_) return false;
    plugged_ = std::make_shared<const PluggedDevice>(std::move(device));
  }
  Wake();
  return true;
}

void RedirPort::Unplug() {
  {
    const std::lock_guard lock(mutex_);
    plugged_.reset();
  }
  Wake();
}

void RedirPort::Wake() { eventfd_write(wake_.Get(), 1); }

std::shared_ptr<const PluggedDevice> RedirPort::Current() const {
  const std::lock_guard lock(mutex_);
  return plugged_;
}

short RedirPort::WaitFor(int fd, short events) {
  std::array<pollfd, 2> waiting{{{fd, events, 0}, {wake_.Get(), POLLIN, 0}}};
  if (poll(waiting.data(), waiting.size(), -1) < 0) return 0;
  eventfd_t woken = 0;
  if (waiting[1].revents != 0) eventfd_read(wake_.Get(), &woken);
  return waiting[0].revents;
}

void RedirPort::Run() {
  while (!stopping_) {
    if (WaitFor(listener_.Get(), POLLIN) == 0) continue;
    station::Fd connection(
        accept4(listener_.Get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection.Valid()) Serve(std::move(connection));
  }
}

void RedirPort::Serve(station::Fd connection) {
  RedirSession session(connection.Get(), [this] { return Current(); });
  while (!stopping_) {
    session.Progress();
    const short wanted = session.HasOutput() ? POLLIN | POLLOUT : POLLIN;
    const short ready = WaitFor(connection.Get(), wanted);
    if ((ready & (POLLIN | POLLHUP | POLLERR)) != 0 && !session.Read()) return;
    if (session.HasOutput() && !session.Write()) return;
  }
}

}  // namespace rack
