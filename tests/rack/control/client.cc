#include "tests/rack/control/client.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "tests/rack/control/rack.h"

namespace rack {
namespace {

using station::ErrorCode;
using station::Fail;
using station::Result;

constexpr const char* kPreload = "libumockdev-preload.so.0";
constexpr int kNotFoundExit = 127;

Result<Value> Ask(Stream& stream, const Value& request) {
  if (!WriteFrame(stream, request))
    return Fail(ErrorCode::kUnavailable, "the rack does not listen");
  auto answer = ReadFrame(stream);
  if (!answer) return Fail(ErrorCode::kUnavailable, "the rack gave no answer");
  if (const std::string error = answer->Text("Error"); !error.empty())
    return Fail(ErrorCode::kBadRequest, error);
  return std::move(*answer);
}

Result<Stream> Connect(const std::filesystem::path& folder) {
  STATION_TRY(path, ControlSocket(folder));
  STATION_TRY(fd, ConnectUnix(path));
  return Stream(std::move(fd));
}

// Debian 12's libirecovery goes on walking a device list it has freed. When its phone is the newest
// device on the bus, the next entry is malloc's own bookkeeping, and every tool on it crashes after
// a mode change, on a real bus too. With the per-thread cache off the freed list stays readable.
// Our own programs do not need it: `exec --plain-malloc`.
constexpr const char* kTunables = "GLIBC_TUNABLES";
constexpr const char* kFreedListStaysReadable = "glibc.malloc.tcache_count=0";

void SetWorldEnvironment(const Value& world, bool plain_malloc) {
  const char* old = std::getenv("LD_PRELOAD");
  const std::string preload =
      (old != nullptr && *old != '\0' ? std::string(old) + ":" : "") + kPreload;
  const std::string signer = world.Text("SignerUrl");
  setenv("USBMUXD_SOCKET_ADDRESS", ("UNIX:" + world.Text("Socket")).c_str(), 1);
  setenv("UMOCKDEV_DIR", world.Text("Root").c_str(), 1);
  setenv("LD_PRELOAD", preload.c_str(), 1);
  setenv("RACK_SIGNER_URL", signer.c_str(), 1);
  setenv("RACK_CATALOGUE_URL", world.Text("CatalogueUrl").c_str(), 1);
  setenv("http_proxy", signer.c_str(), 1);
  setenv("no_proxy", "127.0.0.1", 1);  // downloads; the signer answers either way
  if (!plain_malloc) setenv(kTunables, kFreedListStaysReadable, 0);
}

[[noreturn]] void Become(const Execution& execution, const Value& world, const sigset_t& mask) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  SetWorldEnvironment(world, execution.plain_malloc);
  std::vector<char*> arguments;
  for (const std::string& word : execution.command)
    arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  dprintf(STDERR_FILENO, "station-rack: %s: %s\n", arguments[0], strerror(errno));
  _exit(kNotFoundExit);
}

// Passes SIGTERM on, and waits for the end.
int WaitFor(pid_t child, const sigset_t& signals) {
  while (true) {
    const int signal = sigwaitinfo(&signals, nullptr);
    if (signal == SIGTERM) kill(child, SIGTERM);
    int status = 0;
    if (waitpid(child, &status, WNOHANG) != child) continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
}

}  // namespace

Result<Value> AskRack(const std::filesystem::path& folder, const Value& request) {
  STATION_TRY(stream, Connect(folder));
  return Ask(stream, request);
}

Result<int> ExecuteInWorld(const std::filesystem::path& folder, const Execution& execution) {
  STATION_TRY(stream, Connect(folder));
  STATION_TRY(world, Ask(stream, Value::Dict{{"Command", "world"}, {"Phone", execution.phone}}));
  sigset_t signals;
  sigset_t before;
  sigemptyset(&signals);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT}) sigaddset(&signals, signal);
  sigprocmask(SIG_BLOCK, &signals, &before);
  const pid_t child = fork();
  if (child < 0) return station::FailErrno("starting " + execution.command[0], errno);
  if (child == 0) Become(execution, world, before);
  return WaitFor(child, signals);
}

}  // namespace rack
