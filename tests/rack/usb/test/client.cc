#include "tests/rack/usb/test/client.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string_view>

namespace rack {
namespace {

constexpr int kPatienceMs = 20000;

std::vector<std::string> Environment(const World& world) {
  return {"UMOCKDEV_DIR=" + world.root, "LD_PRELOAD=libumockdev-preload.so.0",
          "ASAN_OPTIONS=verify_asan_link_order=0", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
          "LC_ALL=C"};
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Client::Client(const World& world, std::vector<std::string> command) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return;
  output_ = station::Fd(pipe[0]);
  const station::Fd input(pipe[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, input.Get(), 1);
  ::posix_spawn_file_actions_adddup2(&actions, input.Get(), 2);
  std::vector<std::string> environment = Environment(world);
  if (::posix_spawnp(&pid_, command[0].c_str(), &actions, nullptr, Pointers(command).data(),
                     Pointers(environment).data()) != 0)
    pid_ = -1;
  ::posix_spawn_file_actions_destroy(&actions);
}

Client::~Client() {
  Kill();
  Wait();
}

bool Client::ReadMore() {
  pollfd polled = {output_.Get(), POLLIN, 0};
  if (::poll(&polled, 1, kPatienceMs) <= 0) return false;
  std::array<char, 4096> buffer{};
  const ssize_t got = ::read(output_.Get(), buffer.data(), buffer.size());
  if (got <= 0) return false;
  unread_.append(buffer.data(), static_cast<std::size_t>(got));
  return true;
}

std::optional<std::string> Client::ReadLine() {
  std::size_t end = unread_.find('\n');
  while (end == std::string::npos) {
    if (!ReadMore()) return std::nullopt;
    end = unread_.find('\n');
  }
  std::string line = unread_.substr(0, end);
  unread_.erase(0, end + 1);
  return line;
}

std::optional<std::string> Client::ReadLineStarting(const std::string& start) {
  while (auto line = ReadLine())
    if (line->starts_with(start)) return line;
  return std::nullopt;
}

std::string Client::ReadAll() {
  while (ReadMore()) {
  }
  return std::exchange(unread_, {});
}

void Client::Kill() {
  if (pid_ > 0) ::kill(pid_, SIGKILL);
}

int Client::Wait() {
  if (pid_ <= 0) return -1;
  int status = 0;
  ::waitpid(std::exchange(pid_, -1), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string RunClient(const World& world, std::vector<std::string> command) {
  Client client(world, std::move(command));
  return client.ReadAll();
}

std::string ProbePath() { return RACK_USB_PROBE; }

bool PreloadInstalled() {
  const World nowhere{0, "/nonexistent"};
  return RunClient(nowhere, {"true"}).find("cannot be preloaded") == std::string::npos;
}

}  // namespace rack
