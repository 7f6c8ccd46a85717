#include "tests/rack/test/rack_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "station/base/fd.h"
#include "tests/rack/control/client.h"
#include "tests/rack/forge/forge.h"

namespace rack {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kTimedOut = 124;
constexpr std::chrono::seconds kStartPatience{90};  // the first start on a machine makes RSA keys

struct Child {
  pid_t pid = -1;
  station::Fd output;
};

Child Spawn(const std::vector<std::string>& command) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {};
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  close(ends[1]);
  return {pid, station::Fd(ends[0])};
}

// Reads until `enough`, the end of the output, or the deadline. False at the deadline.
bool ReadOutput(const station::Fd& fd, std::string& output, Clock::time_point deadline,
                const std::function<bool()>& enough) {
  std::array<char, 65536> piece;
  while (!enough()) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd waiting{fd.Get(), POLLIN, 0};
    if (left <= 0 || poll(&waiting, 1, static_cast<int>(left)) <= 0) return false;
    const ssize_t got = read(fd.Get(), piece.data(), piece.size());
    if (got <= 0) return true;
    output.append(piece.data(), static_cast<std::size_t>(got));
  }
  return true;
}

int Reap(pid_t pid) {
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Finished RunProgram(const std::vector<std::string>& command, std::chrono::seconds patience) {
  const Child child = Spawn(command);
  Finished finished;
  const bool ended =
      ReadOutput(child.output, finished.output, Clock::now() + patience, [] { return false; });
  if (!ended) kill(child.pid, SIGTERM);
  finished.code = Reap(child.pid);
  if (!ended) finished.code = kTimedOut;
  return finished;
}

RackProcess::RackProcess(const std::string& cart) {
  std::string pattern = testing::TempDir() + "/rack_test_XXXXXX";
  folder_ = mkdtemp(pattern.data());
  std::ofstream(folder_ / "cart.yaml") << cart;
  Start();
}

RackProcess::~RackProcess() {
  Stop();
  std::error_code ignored;
  if (!testing::Test::HasFailure()) fs::remove_all(folder_, ignored);
}

void RackProcess::Start() {
  const Child child =
      Spawn({RACK_PROGRAM, "run", "--cart", folder_ / "cart.yaml", "--dir", folder_ / "dir"});
  pid_ = child.pid;
  std::string output;
  const auto said = [&] { return output.find("ready\n") != std::string::npos; };
  (void)ReadOutput(child.output, output, Clock::now() + kStartPatience, said);
  ready_ = said();
  EXPECT_TRUE(ready_) << output;
}

void RackProcess::Stop() {
  kill(pid_, SIGTERM);
  EXPECT_EQ(Reap(pid_), 0);
}

void RackProcess::Restart() {
  Stop();
  Start();
}

Finished RackProcess::Exec(const std::string& phone,
                           const std::vector<std::string>& command) const {
  std::vector<std::string> whole = {RACK_PROGRAM, "exec", "--dir", folder_ / "dir"};
  if (!phone.empty()) whole.insert(whole.end(), {"--phone", phone});
  whole.push_back("--");
  whole.insert(whole.end(), command.begin(), command.end());
  return RunProgram(whole, std::chrono::seconds(120));
}

Finished RackProcess::Do(const std::string& command, const std::vector<std::string>& words) const {
  std::vector<std::string> whole = {RACK_PROGRAM, command, "--dir", folder_ / "dir"};
  whole.insert(whole.end(), words.begin(), words.end());
  return RunProgram(whole);
}

Value RackProcess::Status(const std::string& phone) const {
  const auto answer = AskRack(folder_ / "dir", Value::Dict{{"Command", "status"}});
  if (!answer) return Value();
  for (const Value& one : *answer->Find("Phones")->AsArray())
    if (one.Text("name") == phone) return one;
  return Value();
}

Value RackProcess::AwaitStatus(const std::string& phone,
                               const std::function<bool(const Value&)>& wanted,
                               std::chrono::seconds patience) const {
  const auto deadline = Clock::now() + patience;
  Value status = Status(phone);
  while (!wanted(status) && Clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    status = Status(phone);
  }
  return status;
}

const std::string& ForgedFirmware(const std::string& manifest) {
  struct File {
    std::string path;
    ~File() { unlink(path.c_str()); }
  };
  static std::mutex forging;  // restores side by side ask for it from a thread each
  static std::map<std::string, std::unique_ptr<File>> forged;
  const std::lock_guard lock(forging);
  auto& file = forged[manifest];
  if (file) return file->path;
  file = std::make_unique<File>();
  file->path = testing::TempDir() + "/" + manifest + "_" + std::to_string(getpid()) + ".ipsw";
  ForgeOrder order;
  order.manifest = std::string(RACK_SOURCE_DIR) + "/manifests/" + manifest;
  order.out = file->path;
  const auto result = Forge(order);
  EXPECT_TRUE(result) << result.error().context;
  return file->path;
}

}  // namespace rack
