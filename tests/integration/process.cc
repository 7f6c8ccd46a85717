#include "tests/integration/process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>

namespace station::integration {
namespace {

using Clock = std::chrono::steady_clock;

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

pid_t Start(const std::vector<std::string>& command, const std::filesystem::path& out, const std::filesystem::path& err,
            const std::map<std::string, std::string>& environment) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::setpgid(0, 0);
  for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
  const int null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, 0);
  ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), 1);
  ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), 2);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

// The exit code once it has ended, -1 while it runs.
int TryWait(pid_t pid) {
  int status = 0;
  if (::waitpid(pid, &status, WNOHANG) != pid) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int WaitUntil(pid_t pid, Clock::time_point deadline) {
  while (Clock::now() < deadline) {
    if (const int code = TryWait(pid); code >= 0) return code;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return -1;
}

}  // namespace

Finished Run(const std::vector<std::string>& command, int seconds, const std::map<std::string, std::string>& environment) {
  char folder[] = "/tmp/station-run.XXXXXX";
  const std::filesystem::path place = ::mkdtemp(folder);
  const pid_t pid = Start(command, place / "out", place / "err", environment);
  Finished finished;
  finished.exit_code = WaitUntil(pid, Clock::now() + std::chrono::seconds(seconds));
  if (finished.exit_code < 0) {
    ::kill(-pid, SIGKILL);
    finished.exit_code = WaitUntil(pid, Clock::now() + std::chrono::seconds(10));
  }
  finished.out = ReadAll(place / "out");
  finished.err = ReadAll(place / "err");
  std::filesystem::remove_all(place);
  return finished;
}

Background::Background(const std::vector<std::string>& command, std::filesystem::path out)
    : pid_(Start(command, out, out.string() + ".err", {})), out_(std::move(out)) {}

Background::Background(Background&& other) noexcept : pid_(std::exchange(other.pid_, -1)), out_(std::move(other.out_)) {}

Background& Background::operator=(Background&& other) noexcept {
  Stop();
  pid_ = std::exchange(other.pid_, -1);
  out_ = std::move(other.out_);
  return *this;
}

Background::~Background() { Stop(); }

bool Background::Running() { return pid_ > 0 && ::kill(pid_, 0) == 0 && TryWait(pid_) < 0; }

bool Background::AwaitReady(int seconds) {
  const auto deadline = Clock::now() + std::chrono::seconds(seconds);
  while (Clock::now() < deadline) {
    const std::string text = "\n" + ReadAll(out_);
    if (text.find("\nready\n") != std::string::npos) return true;
    if (const int code = TryWait(pid_); code >= 0) {
      pid_ = -1;
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

int Background::Stop() {
  if (pid_ <= 0) return -1;
  ::kill(pid_, SIGTERM);
  int code = WaitUntil(pid_, Clock::now() + std::chrono::seconds(20));
  if (code < 0) {
    ::kill(-pid_, SIGKILL);
    code = WaitUntil(pid_, Clock::now() + std::chrono::seconds(10));
  }
  pid_ = -1;
  return code;
}

void Background::Kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  (void)WaitUntil(pid_, Clock::now() + std::chrono::seconds(10));
  pid_ = -1;
}

}  // namespace station::integration
