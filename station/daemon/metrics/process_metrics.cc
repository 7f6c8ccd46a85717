#include "station/daemon/metrics/process_metrics.h"

#include <prometheus/metric_family.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <sstream>
#include <string>

#include "station/base/fd.h"

namespace station::daemon {
namespace {

prometheus::MetricFamily One(const char* name, const char* help, prometheus::MetricType type, double value) {
  prometheus::MetricFamily family;
  family.name = name;
  family.help = help;
  family.type = type;
  prometheus::ClientMetric metric;
  if (type == prometheus::MetricType::Counter) metric.counter.value = value;
  else metric.gauge.value = value;
  family.metric.push_back(metric);
  return family;
}

// The second number of statm: resident pages.
double ResidentBytes() {
  const auto statm = ReadFile("/proc/self/statm", 4096);
  if (!statm) return 0;
  std::istringstream numbers(*statm);
  double total = 0, resident = 0;
  numbers >> total >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double OpenDescriptors() {
  std::error_code ignored;
  const std::filesystem::directory_iterator all("/proc/self/fd", ignored);
  return static_cast<double>(std::distance(begin(all), end(all)));
}

double CpuSeconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace

std::vector<prometheus::MetricFamily> ProcessMetrics::Collect() const {
  using enum prometheus::MetricType;
  return {One("process_resident_memory_bytes", "Resident memory of stationd", Gauge, ResidentBytes()),
          One("process_open_fds", "Open descriptors of stationd", Gauge, OpenDescriptors()),
          One("process_cpu_seconds_total", "CPU time of stationd", Counter, CpuSeconds())};
}

}  // namespace station::daemon
