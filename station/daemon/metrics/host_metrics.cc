#include "station/daemon/metrics/host_metrics.h"

#include <prometheus/metric_family.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <sstream>
#include <string>

#include "station/base/fd.h"
#include "station/daemon/supervise/process.h"
#include "station/store/keeper/shelf.h"

namespace station::daemon {
namespace {

namespace fs = std::filesystem;
using Families = std::vector<prometheus::MetricFamily>;
using prometheus::MetricType;

void Add(Families& families, const char* name, const char* help, double value,
         MetricType type = MetricType::Gauge) {
  prometheus::MetricFamily family;
  family.name = name;
  family.help = help;
  family.type = type;
  prometheus::ClientMetric metric;
  if (type == MetricType::Counter)
    metric.counter.value = value;
  else
    metric.gauge.value = value;
  family.metric.push_back(metric);
  families.push_back(std::move(family));
}

// The second number of statm: resident pages. 0 for a process that has ended.
double ResidentBytes(const fs::path& process) {
  const auto statm = ReadFile(process / "statm", 4096);
  if (!statm) return 0;
  std::istringstream numbers(*statm);
  double total = 0;
  double resident = 0;
  numbers >> total >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double OpenDescriptors() {
  std::error_code ignored;
  const fs::directory_iterator all("/proc/self/fd", ignored);
  return static_cast<double>(std::distance(begin(all), end(all)));
}

double CpuSeconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

void AddDaemon(Families& families, std::chrono::system_clock::time_point started) {
  Add(families, "process_resident_memory_bytes", "Resident memory of stationd",
      ResidentBytes("/proc/self"));
  Add(families, "process_open_fds", "Open descriptors of stationd", OpenDescriptors());
  std::error_code ignored;
  const fs::directory_iterator threads("/proc/self/task", ignored);
  Add(families, "process_threads", "Threads of stationd",
      static_cast<double>(std::distance(begin(threads), end(threads))));
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
    Add(families, "process_max_fds", "Descriptors stationd may open",
        static_cast<double>(limit.rlim_cur));
  Add(families, "process_cpu_seconds_total", "CPU time of stationd", CpuSeconds(),
      MetricType::Counter);
  Add(families, "process_start_time_seconds", "When stationd began to serve, since 1970",
      std::chrono::duration<double>(started.time_since_epoch()).count());
}

// How much of its file an import has taken in; 0 before and after.
double ReceivedBytes(const fs::path& store, const std::string& task) {
  std::error_code absent;
  const auto size = fs::file_size(store / "incoming" / task / store::Shelf::kIpswFile, absent);
  return absent ? 0 : static_cast<double>(size);
}

void AddTasks(Families& families, const HostPaths& paths) {
  double sum = 0;
  double largest = 0;
  int imports = 0;
  double received = 0;
  for (const auto& [task, pid] : FindTasks(paths.worker_socket)) {
    const double resident = ResidentBytes(fs::path("/proc") / std::to_string(pid));
    sum += resident;
    largest = std::max(largest, resident);
    if (!task.starts_with("import-")) continue;
    ++imports;
    received += ReceivedBytes(paths.state_dir / "store", task);
  }
  Add(families, "station_workers_resident_memory_bytes",
      "Resident memory of all workers and fetchers", sum);
  Add(families, "station_worker_max_resident_memory_bytes",
      "Resident memory of the largest worker or fetcher", largest);
  Add(families, "station_imports_running", "Firmwares being imported", imports);
  Add(families, "station_import_received_bytes", "Bytes the running imports have taken in so far",
      received);
}

void AddRoom(Families& families, const fs::path& state_dir) {
  struct statvfs room {};
  if (::statvfs(state_dir.c_str(), &room) != 0) return;
  const auto block = static_cast<double>(room.f_frsize);
  Add(families, "station_state_free_bytes",
      "Room left where the firmware store, journals and ledger lie",
      static_cast<double>(room.f_bavail) * block);
  Add(families, "station_state_size_bytes",
      "Size of the file system where the firmware store, journals and ledger lie",
      static_cast<double>(room.f_blocks) * block);
}

}  // namespace

Families HostMetrics::Collect() const {
  Families families;
  AddDaemon(families, started_);
  AddTasks(families, paths_);
  AddRoom(families, paths_.state_dir);
  return families;
}

}  // namespace station::daemon
