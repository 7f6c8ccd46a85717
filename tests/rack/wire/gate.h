#pragma once
// Holds back everything that passes a set of streams, for as long as it is shut.

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace rack {

class Gate {
 public:
  void Shut() {
    const std::lock_guard lock(mutex_);
    shut_ = true;
  }
  void Open() {
    const std::lock_guard lock(mutex_);
    shut_ = false;
    opened_.notify_all();
  }
  [[nodiscard]] bool IsShut() const { return shut_; }
  // Returns at once while it is open.
  void Pass() {
    if (!shut_) return;
    std::unique_lock lock(mutex_);
    opened_.wait(lock, [this] { return !shut_; });
  }

 private:
  std::atomic<bool> shut_ = false;
  std::mutex mutex_;
  std::condition_variable opened_;
};

}  // namespace rack
