#pragma once
// Time for the state thread: now, and later. Tests turn it by hand.

#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>

#include "scheduler/arming.h"
#include "station/ledger/records.h"

namespace station::daemon {

using SteadyTime = std::chrono::steady_clock::time_point;
using scheduler::WallTime;

[[nodiscard]] inline ledger::UnixMillis ToUnixMillis(WallTime time) {
  return {time.time_since_epoch().count()};
}
[[nodiscard]] inline WallTime FromUnixMillis(ledger::UnixMillis time) {
  return WallTime(std::chrono::milliseconds(time.value));
}

class Clock {
 public:
  using TimerId = std::uint64_t;  // 0 is none
  virtual ~Clock() = default;
  [[nodiscard]] virtual SteadyTime Now() const = 0;
  [[nodiscard]] virtual WallTime Wall() const = 0;
  // Calls back on the state thread, once.
  virtual TimerId After(std::chrono::milliseconds delay, std::function<void()> call) = 0;
  virtual void Cancel(TimerId timer) = 0;  // one that is over or 0 is no fault
};

// A timer that ends with its owner, and when it is set anew.
class Timer {
 public:
  explicit Timer(Clock& clock) : clock_(&clock) {}
  Timer(const Timer&) = delete;  // what runs later refers to it
  Timer& operator=(const Timer&) = delete;
  ~Timer() { Stop(); }

  void Set(std::chrono::milliseconds delay, std::function<void()> call) {
    Stop();
    id_ = clock_->After(delay, [this, call = std::move(call)] {
      id_ = 0;
      call();
    });
  }
  void Stop() {
    if (id_ != 0) clock_->Cancel(std::exchange(id_, 0));
  }
  [[nodiscard]] bool Running() const { return id_ != 0; }

 private:
  Clock* clock_;
  Clock::TimerId id_ = 0;
};

}  // namespace station::daemon
