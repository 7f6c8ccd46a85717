#pragma once
// The job's control as the threads of one restore see it: the restore's own end ends them too, also
// inside a step in which the job itself may not be ended.

#include <algorithm>
#include <atomic>
#include <chrono>

#include "station/base/job_control.h"

namespace station::restore {

class StoppableControl final : public JobControl {
 public:
  explicit StoppableControl(JobControl& job) : job_(job) {}
  void Stop() { stopped_ = true; }
  // When bytes last moved.
  [[nodiscard]] std::chrono::steady_clock::time_point LastProgress() const {
    return std::chrono::steady_clock::time_point(
        std::chrono::steady_clock::duration(last_progress_.load()));
  }

  void Progress(double fraction, std::uint64_t bytes_done, std::uint64_t bytes_total) override {
    last_progress_ = std::chrono::steady_clock::now().time_since_epoch().count();
    job_.Progress(fraction, bytes_done, bytes_total);
  }
  Status KeepGoing() override {
    if (stopped_) return Fail(ErrorCode::kCancelled, "the restore is over");
    return job_.KeepGoing();
  }
  Status Pause(std::chrono::milliseconds time) override {
    constexpr std::chrono::milliseconds kSlice{200};
    while (time > std::chrono::milliseconds(0)) {
      STATION_CHECK(KeepGoing());
      STATION_CHECK(job_.Pause(std::min(time, kSlice)));
      time -= kSlice;
    }
    return KeepGoing();
  }

 private:
  JobControl& job_;
  std::atomic<bool> stopped_{false};
  std::atomic<std::chrono::steady_clock::duration::rep> last_progress_{0};
};

}  // namespace station::restore
