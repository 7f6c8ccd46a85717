#pragma once
// How many streams at once move the most bytes: measured, not assumed. More streams than that take
// from each other (a hub, a disk, usbmuxd), and phones wait longer than they would in a queue.

#include <cstddef>
#include <map>

namespace station::scheduler {

// One second's worth.
struct ThroughputSample {
  std::size_t streams = 0;
  double bytes_per_second = 0;  // of all together
};

class StreamLimit {
 public:
  static constexpr std::size_t kWindow = 10;     // samples in a row with as many streams
  static constexpr std::size_t kFresh = 60;      // windows for which a mean is believed
  static constexpr std::size_t kProbeAfter = 6;  // windows at a lowered limit; doubles with each
                                                 // time the probe fails
  static constexpr double kTolerance = 0.05;     // less is no loss but noise

  explicit StreamLimit(std::size_t most) : most_(most), limit_(most) {}

  void Observe(const ThroughputSample& sample);
  // Between 1 and `most`.
  [[nodiscard]] std::size_t Limit() const { return limit_; }
  // The best mean there was, 0 before the first window.
  [[nodiscard]] double Best() const { return best_; }

 private:
  struct Mean {
    double bytes_per_second = 0;
    std::size_t at = 0;  // which window
  };
  void WindowFull(std::size_t streams, double mean);
  [[nodiscard]] const Mean* Known(std::size_t streams) const;

  std::size_t most_;
  std::size_t limit_;
  double best_ = 0;
  std::size_t streams_ = 0;  // of the running window
  std::size_t samples_ = 0;
  double sum_ = 0;
  std::size_t windows_ = 0;
  std::size_t patience_ = kProbeAfter;
  std::size_t until_probe_ = 0;
  std::map<std::size_t, Mean> means_;
};

}  // namespace station::scheduler
