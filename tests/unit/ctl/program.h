#pragma once
// Runs a program with pipes for its input and outputs.

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace station::ctl {

struct Ended {
  int exit_code = -1;  // 128 + signal when it was ended by one
  std::string out;
  std::string err;
};

// One run; Wait ends it.
class Program {
 public:
  Program(const std::vector<std::string>& command,
          const std::map<std::string, std::string>& environment, const std::string& input);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void Signal(int signal) const;
  // Reads its output until `text` has appeared; false when the output ended before.
  bool WaitForOutput(const std::string& text);
  [[nodiscard]] Ended Wait();

 private:
  pid_t pid_ = -1;
  int out_ = -1;
  int err_ = -1;
  std::string seen_;
};

}  // namespace station::ctl
