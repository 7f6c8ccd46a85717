#include "station/daemon/supervise/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

namespace station::daemon {
namespace {

// Owns what posix_spawn is to do in the child.
struct SpawnPlan {
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
};

void Prepare(SpawnPlan& plan, const std::filesystem::path& log) {
  posix_spawn_file_actions_addopen(&plan.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&plan.actions, STDERR_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0640);
  posix_spawn_file_actions_adddup2(&plan.actions, STDERR_FILENO, STDOUT_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&plan.actions, STDERR_FILENO + 1);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&plan.attributes, &none);
  posix_spawnattr_setsigdefault(&plan.attributes, &all);
  posix_spawnattr_setflags(&plan.attributes,
                           POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

std::vector<std::string> Arguments(const std::filesystem::path& process) {
  std::vector<std::string> arguments;
  const Result<std::string> bytes = ReadFile(process / "cmdline", 1U << 20U);
  if (!bytes) return arguments;
  std::size_t at = 0;
  for (std::size_t end = 0; (end = bytes->find('\0', at)) != std::string::npos; at = end + 1)
    arguments.push_back(bytes->substr(at, end - at));
  return arguments;
}

std::optional<std::string> Option(const std::vector<std::string>& arguments,
                                  std::string_view name) {
  const auto found = std::ranges::find(arguments, name);
  if (found == arguments.end() || std::next(found) == arguments.end()) return std::nullopt;
  return *std::next(found);
}

}  // namespace

Result<pid_t> StartDetached(const std::filesystem::path& program,
                            const std::vector<std::string>& arguments,
                            const std::filesystem::path& log) {
  SpawnPlan plan;
  Prepare(plan, log);
  std::vector<std::string> copies = {program.string()};
  copies.insert(copies.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& copy : copies) pointers.push_back(copy.data());
  pointers.push_back(nullptr);
  pid_t pid = 0;
  const int code =
      posix_spawn(&pid, program.c_str(), &plan.actions, &plan.attributes, pointers.data(), environ);
  if (code != 0)
    return Fail(ErrorCode::kWorkerStart,
                "starting " + program.string() + ": " + std::strerror(code));
  return pid;
}

Result<Fd> WatchProcess(pid_t pid) {
  Fd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!fd.Valid())
    return Fail(ErrorCode::kWorkerDied,
                "process " + std::to_string(pid) + ": " + std::strerror(errno));
  return fd;
}

std::map<std::string, pid_t> FindTasks(const std::filesystem::path& socket) {
  std::map<std::string, pid_t> tasks;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename();
    if (!std::ranges::all_of(name, [](unsigned char c) { return std::isdigit(c) != 0; })) continue;
    const std::vector<std::string> arguments = Arguments(entry.path());
    const auto task = Option(arguments, "--task");
    if (task && Option(arguments, "--link") == socket.string())
      tasks.emplace(*task, std::stoi(name));
  }
  return tasks;
}

}  // namespace station::daemon
