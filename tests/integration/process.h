#pragma once
// Programs as a test runs them: started in a group of their own, output in files, always ended.

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace station::integration {

struct Finished {
  int exit_code = -1;  // 128 + signal when a signal ended it
  std::string out;
  std::string err;
};

// Runs to its end; killed (exit code 137) after `seconds`.
[[nodiscard]] Finished Run(const std::vector<std::string>& command, int seconds = 120,
                           const std::map<std::string, std::string>& environment = {});

// A program that runs beside the test.
class Background {
 public:
  Background() = default;
  Background(const std::vector<std::string>& command, std::filesystem::path out);
  Background(Background&& other) noexcept;
  Background& operator=(Background&& other) noexcept;
  ~Background();
  // False when it ended or `seconds` passed before its output held the line "ready".
  [[nodiscard]] bool AwaitReady(int seconds = 60);
  [[nodiscard]] bool Running();
  // SIGTERM, then after 20 s SIGKILL; its exit code.
  int Stop();
  void Kill();
  [[nodiscard]] pid_t Pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  std::filesystem::path out_;
};

}  // namespace station::integration
