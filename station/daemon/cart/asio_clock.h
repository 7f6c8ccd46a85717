#pragma once
// The real clock, on the state thread's io_context.

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>

#include "station/daemon/cart/clock.h"

namespace station::daemon {

class AsioClock : public Clock {
 public:
  explicit AsioClock(boost::asio::io_context& io) : io_(io) {}
  [[nodiscard]] SteadyTime Now() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] WallTime Wall() const override {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now());
  }
  TimerId After(std::chrono::milliseconds delay, std::function<void()> call) override {
    const TimerId id = ++last_;
    auto& timer = timers_.try_emplace(id, io_, delay).first->second;
    timer.async_wait([this, id, call = std::move(call)](const boost::system::error_code& error) {
      // A timer that was cancelled after it fired is no longer in the map.
      if (error || timers_.erase(id) == 0) return;
      call();
    });
    return id;
  }
  void Cancel(TimerId timer) override { timers_.erase(timer); }

 private:
  boost::asio::io_context& io_;
  std::map<TimerId, boost::asio::steady_timer> timers_;
  TimerId last_ = 0;
};

}  // namespace station::daemon
