#include "tests/unit/ctl/program.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <array>
#include <cstring>

extern char** environ;

namespace station::ctl {
namespace {

// The caller's environment less what would steer stationctl, plus `extra`.
std::vector<std::string> MakeEnvironment(const std::map<std::string, std::string>& extra) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string name = std::string(*entry).substr(0, std::strcspn(*entry, "="));
    if (name.starts_with("STATION_") || name == "SUDO_USER" || name == "COLUMNS" || name == "TZ" ||
        name.ends_with("_proxy") || extra.contains(name))
      continue;
    result.emplace_back(*entry);
  }
  result.emplace_back("TZ=UTC");
  for (const auto& [name, value] : extra) result.push_back(name + "=" + value);
  return result;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// False at the end of the pipe.
bool ReadSome(int fd, std::string& into) {
  std::array<char, 4096> buffer{};
  const ssize_t got = read(fd, buffer.data(), buffer.size());
  if (got <= 0) return false;
  into.append(buffer.data(), static_cast<std::size_t>(got));
  return true;
}

}  // namespace

Program::Program(const std::vector<std::string>& command,
                 const std::map<std::string, std::string>& environment, const std::string& input) {
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  std::array<int, 2> err{};
  if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0 ||
      pipe2(err.data(), O_CLOEXEC) != 0)
    std::abort();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  posix_spawn_file_actions_adddup2(&actions, err[1], 2);
  std::vector<std::string> words = command;
  std::vector<std::string> variables = MakeEnvironment(environment);
  if (posix_spawn(&pid_, words[0].c_str(), &actions, nullptr, Pointers(words).data(),
                  Pointers(variables).data()) != 0)
    pid_ = -1;
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  close(err[1]);
  if (!input.empty() && write(in[1], input.data(), input.size()) < 0) std::abort();
  close(in[1]);
  out_ = out[0];
  err_ = err[0];
}

Program::~Program() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(out_);
  close(err_);
}

void Program::Signal(int signal) const { kill(pid_, signal); }

bool Program::WaitForOutput(const std::string& text) {
  while (seen_.find(text) == std::string::npos)
    if (!ReadSome(out_, seen_)) return false;
  return true;
}

Ended Program::Wait() {
  Ended ended;
  ended.out = seen_;
  std::array<pollfd, 2> open = {{{out_, POLLIN, 0}, {err_, POLLIN, 0}}};
  while (open[0].fd >= 0 || open[1].fd >= 0) {
    poll(open.data(), open.size(), -1);
    if (open[0].revents != 0 && !ReadSome(out_, ended.out)) open[0].fd = -1;
    if (open[1].revents != 0 && !ReadSome(err_, ended.err)) open[1].fd = -1;
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  ended.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ended;
}

}  // namespace station::ctl
