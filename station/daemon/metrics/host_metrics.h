#pragma once
// What the host says at each scrape: the daemon's own memory, time and descriptors, its workers'
// memory, imports, and the room that is left for state. Nothing here is remembered between two
// scrapes.

#include <prometheus/collectable.h>

#include <chrono>
#include <filesystem>
#include <vector>

namespace station::daemon {

struct HostPaths {
  std::filesystem::path state_dir;
  std::filesystem::path worker_socket;  // by which workers and fetchers are found
};

class HostMetrics : public prometheus::Collectable {
 public:
  explicit HostMetrics(HostPaths paths) : paths_(std::move(paths)) {}
  // From the exposer's thread. What cannot be read is left out, so that it shows as absent and not
  // as 0.
  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  HostPaths paths_;
  std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
};

}  // namespace station::daemon
