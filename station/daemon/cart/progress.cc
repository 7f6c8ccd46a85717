#include "station/daemon/cart/progress.h"

#include <algorithm>

#include "scheduler/steps.h"
#include "station/base/step_table.h"

namespace station::daemon {
namespace {

using Seconds = std::chrono::duration<double>;
constexpr Seconds kSampleTime{0.5};
constexpr double kSmoothing = 0.3;  // weight of the newest sample

}  // namespace

void ProgressMeter::BeginStep(Step step, SteadyTime now) {
  *this = {};
  step_ = step;
  began_ = sampled_ = now;
}

std::uint64_t ProgressMeter::Report(const ProgressReport& report, SteadyTime now) {
  if (report.step != step_) BeginStep(report.step, now);
  // The phone's own percentages, sent while the image streams, are of other things.
  if (Spec(step_).by_bytes && report.bytes_total == 0) return 0;
  fraction_ = std::clamp(report.step_fraction, 0.0, 1.0);
  const std::uint64_t more = report.bytes_done > bytes_done_ ? report.bytes_done - bytes_done_ : 0;
  bytes_done_ = report.bytes_done;
  bytes_total_ = report.bytes_total;
  if (bytes_total_ > 0 && fraction_ == 0)
    fraction_ = std::min(1.0, static_cast<double>(bytes_done_) / static_cast<double>(bytes_total_));
  MeasureRate(bytes_done_, now);
  return more;
}

void ProgressMeter::MeasureRate(std::uint64_t bytes, SteadyTime now) {
  const Seconds time = now - sampled_;
  if (time < kSampleTime) return;
  const double sample =
      bytes > sampled_bytes_ ? static_cast<double>(bytes - sampled_bytes_) / time.count() : 0;
  rate_ = rate_ == 0 ? sample : rate_ + kSmoothing * (sample - rate_);
  sampled_ = now;
  sampled_bytes_ = bytes;
}

ProgressView ProgressMeter::View(SteadyTime now) const {
  ProgressView view{.step = step_,
                    .fraction = scheduler::JobFraction(step_, fraction_),
                    .step_fraction = fraction_,
                    .bytes_done = bytes_done_,
                    .bytes_total = bytes_total_,
                    .bytes_per_second = rate_,
                    .eta = std::nullopt};
  if (step_ == Step::kNone || step_ == Step::kIdentify) return view;
  Seconds rest = Spec(step_).typical * (1 - fraction_);
  if (rate_ > 0 && bytes_total_ >= bytes_done_) {
    rest = Seconds(static_cast<double>(bytes_total_ - bytes_done_) / rate_);
  } else if (fraction_ > 0) {
    rest = Seconds(now - began_) * ((1 - fraction_) / fraction_);
  }
  view.eta = std::chrono::ceil<std::chrono::seconds>(rest + scheduler::TypicalAfter(step_));
  return view;
}

}  // namespace station::daemon
