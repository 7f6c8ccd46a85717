#include "scheduler/throughput.h"

#include <algorithm>

namespace station::scheduler {
namespace {

constexpr std::size_t kLongestPatience = 16 * StreamLimit::kProbeAfter;

}  // namespace

void StreamLimit::Observe(const ThroughputSample& sample) {
  if (sample.streams != streams_) {
    streams_ = sample.streams;
    samples_ = 0;
    sum_ = 0;
  }
  if (streams_ == 0) return;
  sum_ += sample.bytes_per_second;
  if (++samples_ < kWindow) return;
  const double mean = sum_ / static_cast<double>(samples_);
  samples_ = 0;
  sum_ = 0;
  WindowFull(streams_, mean);
}

const StreamLimit::Mean* StreamLimit::Known(std::size_t streams) const {
  const auto found = means_.find(streams);
  if (found == means_.end() || windows_ - found->second.at > kFresh) return nullptr;
  return &found->second;
}

void StreamLimit::WindowFull(std::size_t streams, double mean) {
  ++windows_;
  means_[streams] = {mean, windows_};
  best_ = std::max(best_, mean);
  const Mean* fewer = Known(streams - 1);
  if (streams > 1 && streams <= limit_ && fewer != nullptr &&
      mean < fewer->bytes_per_second * (1 - kTolerance)) {
    limit_ = streams - 1;
    until_probe_ = patience_;
    patience_ = std::min(patience_ * 2, kLongestPatience);
    return;
  }
  if (limit_ == most_ || streams != limit_) return;
  if (until_probe_ > 0 && --until_probe_ > 0) return;
  ++limit_;
  means_.erase(limit_);
}

}  // namespace station::scheduler
