#pragma once
// What processes cost, read from /proc: time on a processor, bytes to and from the disk, memory
// nobody else shares.

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace bench {

struct Cost {
  double cpu_seconds = 0;
  std::uint64_t disk_read = 0;     // bytes
  std::uint64_t disk_written = 0;  // bytes
};

// Now, of one process with all its threads; nothing of one that is gone.
[[nodiscard]] Cost CostOf(pid_t pid);
// Private dirty memory in bytes.
[[nodiscard]] std::uint64_t PrivateMemoryOf(pid_t pid);
// Those called `name` (at most 15 characters) whose command line holds `mark`.
[[nodiscard]] std::vector<pid_t> ProcessesNamed(const std::string& name, const std::string& mark);

// A set of processes over a stretch of time.
class ProcessWatch {
 public:
  explicit ProcessWatch(std::vector<pid_t> processes);
  // Looks at their memory; the largest seen of any of them counts.
  void LookAtMemory();
  // Of all together, since construction.
  [[nodiscard]] Cost Spent() const;
  [[nodiscard]] std::uint64_t LargestMemory() const { return largest_memory_; }
  [[nodiscard]] std::size_t Count() const { return before_.size(); }

 private:
  std::map<pid_t, Cost> before_;
  std::uint64_t largest_memory_ = 0;
};

}  // namespace bench
