#pragma once
// A job that goes on until it is told not to, and counts the time it was asked to wait.

#include "station/base/job_control.h"

namespace station::boot {

class FakeControl : public JobControl {
 public:
  void Progress(double fraction, std::uint64_t, std::uint64_t) override { fraction_ = fraction; }
  Status KeepGoing() override {
    if (looks_left_ >= 0 && looks_left_-- == 0) return Fail(ErrorCode::kCancelled, "cancelled");
    return {};
  }
  Status Pause(std::chrono::milliseconds time) override {
    waited_ += time;
    return KeepGoing();
  }
  void CancelAfter(int looks) { looks_left_ = looks; }
  [[nodiscard]] std::chrono::milliseconds Waited() const { return waited_; }
  [[nodiscard]] double Fraction() const { return fraction_; }

 private:
  int looks_left_ = -1;
  std::chrono::milliseconds waited_{0};
  double fraction_ = 0;
};

}  // namespace station::boot
