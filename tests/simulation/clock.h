#pragma once
// Time that jumps from event to event. Everything that happens in a run is a call waiting here.

#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "station/daemon/cart/clock.h"
#include "tests/simulation/random.h"

namespace station::simulation {

class Clock : public daemon::Clock {
 public:
  [[nodiscard]] daemon::SteadyTime Now() const override { return daemon::SteadyTime(now_); }
  [[nodiscard]] daemon::WallTime Wall() const override {
    return daemon::WallTime(Millis(1'700'000'000'000) + now_);
  }
  TimerId After(Millis delay, std::function<void()> call) override {
    const Key key{now_ + std::max(delay, Millis(0)), ++last_};
    calls_.emplace(key, std::move(call));
    due_.emplace(last_, key.first);
    return last_;
  }
  void Cancel(TimerId timer) override {
    const auto found = due_.find(timer);
    if (found == due_.end()) return;
    calls_.erase({found->second, timer});
    due_.erase(found);
  }

  [[nodiscard]] Millis Time() const { return now_; }
  // When the next call is due.
  [[nodiscard]] std::optional<Millis> Next() const {
    if (calls_.empty()) return std::nullopt;
    return calls_.begin()->first.first;
  }
  // Makes that call. Those of one instant come in the order in which they were asked for.
  void RunNext() {
    const auto node = calls_.extract(calls_.begin());
    due_.erase(node.key().second);
    now_ = node.key().first;
    node.mapped()();
  }

 private:
  using Key = std::pair<Millis, TimerId>;
  Millis now_{0};
  std::map<Key, std::function<void()>> calls_;
  std::unordered_map<TimerId, Millis> due_;
  TimerId last_ = 0;
};

}  // namespace station::simulation
