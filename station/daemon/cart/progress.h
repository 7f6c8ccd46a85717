#pragma once
// Bytes and time into a bar, a rate and an ETA.

#include "station/daemon/cart/clock.h"
#include "station/daemon/cart/view.h"
#include "station/daemon/supervise/tasks.h"

namespace station::daemon {

class ProgressMeter {
 public:
  void BeginStep(Step step, SteadyTime now);
  // How many more bytes than last time.
  std::uint64_t Report(const ProgressReport& report, SteadyTime now);
  [[nodiscard]] ProgressView View(SteadyTime now) const;
  [[nodiscard]] std::uint64_t BytesDone() const { return bytes_done_; }

 private:
  void MeasureRate(std::uint64_t bytes, SteadyTime now);

  Step step_ = Step::kNone;
  SteadyTime began_{};
  double fraction_ = 0;
  std::uint64_t bytes_done_ = 0;
  std::uint64_t bytes_total_ = 0;
  double rate_ = 0;  // bytes per second, smoothed
  SteadyTime sampled_{};
  std::uint64_t sampled_bytes_ = 0;
};

}  // namespace station::daemon
