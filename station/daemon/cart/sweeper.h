#pragma once
// Takes what was removed from the store off the disk, on a thread of its own: unlinking gigabytes
// takes longer than the state thread may.

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "station/store/keeper/shelf.h"

namespace station::daemon {

class Sweeper {
 public:
  Sweeper() : thread_([this](const std::stop_token& stop) { Run(stop); }) {}

  void Take(store::Incoming grave) {
    const std::lock_guard lock(mutex_);
    graves_.push_back(std::move(grave));
    wake_.notify_one();
  }

 private:
  // At the end what is not begun stays for the next start.
  void Run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (wake_.wait(lock, stop, [&] { return !graves_.empty(); }) && !stop.stop_requested()) {
      auto grave = std::optional(std::move(graves_.front()));
      graves_.pop_front();
      lock.unlock();
      grave.reset();
      lock.lock();
    }
    for (store::Incoming& grave : graves_) grave.Keep(true);
  }
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<store::Incoming> graves_;
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace station::daemon
