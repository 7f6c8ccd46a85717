#include "tests/bench/process_watch.h"

#include <time.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace bench {
namespace {

namespace fs = std::filesystem;

std::string Content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The number behind `key` at the beginning of a line.
std::uint64_t NumberAfter(const fs::path& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key)) return std::strtoull(line.c_str() + key.size(), nullptr, 10);
  return 0;
}

fs::path Place(pid_t pid) { return "/proc/" + std::to_string(pid); }

}  // namespace

Cost CostOf(pid_t pid) {
  Cost cost;
  clockid_t clock = 0;
  timespec time{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) return cost;
  cost.cpu_seconds = static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
  cost.disk_read = NumberAfter(Place(pid) / "io", "read_bytes: ");
  cost.disk_written = NumberAfter(Place(pid) / "io", "write_bytes: ");
  return cost;
}

std::uint64_t PrivateMemoryOf(pid_t pid) {
  return NumberAfter(Place(pid) / "smaps_rollup", "Private_Dirty:") << 10U;
}

std::vector<pid_t> ProcessesNamed(const std::string& name, const std::string& mark) {
  std::vector<pid_t> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string id = entry.path().filename();
    if (!std::ranges::all_of(id, [](char c) { return c >= '0' && c <= '9'; })) continue;
    if (Content(entry.path() / "comm") != name + "\n") continue;
    if (Content(entry.path() / "cmdline").find(mark) == std::string::npos) continue;
    found.push_back(static_cast<pid_t>(std::stol(id)));
  }
  return found;
}

ProcessWatch::ProcessWatch(std::vector<pid_t> processes) {
  for (const pid_t pid : processes) before_[pid] = CostOf(pid);
  LookAtMemory();
}

void ProcessWatch::LookAtMemory() {
  for (const auto& [pid, cost] : before_)
    largest_memory_ = std::max(largest_memory_, PrivateMemoryOf(pid));
}

Cost ProcessWatch::Spent() const {
  Cost spent;
  for (const auto& [pid, before] : before_) {
    const Cost now = CostOf(pid);
    spent.cpu_seconds += now.cpu_seconds - before.cpu_seconds;
    spent.disk_read += now.disk_read - before.disk_read;
    spent.disk_written += now.disk_written - before.disk_written;
  }
  return spent;
}

}  // namespace bench
