#include "station/daemon/api/watch.h"

namespace station::daemon {

std::optional<Watcher::Item> Watcher::Next(std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  const auto something = [&] { return ended_ || !order_.empty() || !complete_sent_; };
  if (!wake_.wait_for(lock, wait, something) || ended_) return std::nullopt;
  if (initial_ == 0 && !complete_sent_) {
    complete_sent_ = true;
    return Item{};
  }
  const PortKey key = order_.front();
  order_.erase(order_.begin());
  if (initial_ > 0) --initial_;
  return Item{std::move(pending_.extract(key).mapped())};
}

bool Watcher::Ended() {
  const std::lock_guard lock(mutex_);
  return ended_;
}

void Watcher::Begin(const std::vector<PortView>& current) {
  for (const PortView& port : current) Push(port);
  const std::lock_guard lock(mutex_);
  initial_ = order_.size();
}

void Watcher::Push(const PortView& port) {
  {
    const std::lock_guard lock(mutex_);
    if (!pending_.contains(port.key)) order_.push_back(port.key);
    pending_.insert_or_assign(port.key, port);
  }
  wake_.notify_one();
}

void Watcher::End() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  wake_.notify_one();
}

void WatchHub::Add(std::shared_ptr<Watcher> watcher, const std::vector<PortView>& current) {
  if (closed_) return watcher->End();
  watcher->Begin(current);
  watchers_.insert(std::move(watcher));
}

void WatchHub::Remove(const std::shared_ptr<Watcher>& watcher) { watchers_.erase(watcher); }

void WatchHub::Close() {
  closed_ = true;
  for (const auto& watcher : watchers_) watcher->End();
  watchers_.clear();
}

void WatchHub::OnPort(const PortView& port) {
  for (const auto& watcher : watchers_) watcher->Push(port);
}

}  // namespace station::daemon
