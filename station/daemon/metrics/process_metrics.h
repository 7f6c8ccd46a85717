#pragma once
// The daemon's own memory, time and descriptors, read from /proc at each scrape.

#include <prometheus/collectable.h>

#include <vector>

namespace station::daemon {

class ProcessMetrics : public prometheus::Collectable {
 public:
  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;
};

}  // namespace station::daemon
