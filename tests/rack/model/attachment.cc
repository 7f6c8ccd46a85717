#include "tests/rack/model/attachment.h"

namespace rack {
namespace {

void Shut(const std::vector<std::weak_ptr<Stream>>& streams) {
  for (const auto& weak : streams)
    if (const auto stream = weak.lock()) stream->Shutdown();
}

}  // namespace

void Attachment::Serve(std::uint16_t port, Service service) {
  const std::lock_guard lock(mutex_);
  services_[port] = std::move(service);
}

std::uint16_t Attachment::ServeOnce(Service service) {
  const std::lock_guard lock(mutex_);
  const auto taken = [this] { return services_.contains(next_port_); };
  do {
    next_port_ = next_port_ == 65535 ? kFirstIssuedPort : next_port_ + 1;
  } while (taken() && services_.size() < 65535 - kFirstIssuedPort);
  const std::uint16_t port = next_port_;
  services_[port] = [this, port, service = std::move(service)](const auto& stream) {
    if (Close(port)) service(stream);  // who comes second finds it closed
  };
  return port;
}

bool Attachment::Close(std::uint16_t port) {
  const std::lock_guard lock(mutex_);
  waiting_.erase(port);
  return services_.erase(port) > 0;
}

Attachment::Service Attachment::Find(std::uint16_t port) const {
  const std::lock_guard lock(mutex_);
  const auto found = services_.find(port);
  return ended_ || found == services_.end() ? Service() : found->second;
}

void Attachment::Listen(std::uint16_t port) {
  const std::lock_guard lock(mutex_);
  waiting_[port].clear();
  services_[port] = [this, port](const std::shared_ptr<Stream>& stream) {
    const std::lock_guard handing_over(mutex_);
    if (const auto queue = waiting_.find(port); queue != waiting_.end())
      queue->second.push_back(stream);
    changed_.notify_all();
  };
}

std::shared_ptr<Stream> Attachment::Accept(std::uint16_t port, std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, timeout, [&] { return ended_ || !waiting_[port].empty(); });
  auto& queue = waiting_[port];
  if (ended_ || queue.empty()) return nullptr;
  auto stream = queue.front();
  queue.pop_front();
  return stream;
}

bool Attachment::Join(const std::shared_ptr<Stream>& stream) {
  const std::lock_guard lock(mutex_);
  if (ended_) return false;
  std::erase_if(streams_, [](const auto& weak) { return weak.expired(); });
  streams_.push_back(stream);
  return true;
}

bool Attachment::Wait(std::chrono::milliseconds duration) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, duration, [this] { return ended_; });
}

bool Attachment::Ended() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

void Attachment::CutConnections() {
  const std::lock_guard lock(mutex_);
  Shut(streams_);
}

// The streams first: whoever wakes up must not get another word through.
void Attachment::End() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  waiting_.clear();
  Shut(streams_);
  changed_.notify_all();
}

}  // namespace rack
