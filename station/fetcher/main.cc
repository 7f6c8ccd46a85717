// station-fetcher: brings firmware into the store, by hand or on stationd's orders.

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "station/base/fd.h"
#include "station/base/log.h"
#include "station/fetcher/by_hand.h"
#include "station/fetcher/orders.h"

namespace {

using station::ErrorCode;

constexpr const char* kExitCodes =
    "Exit codes: 0 done, 1 the station (disk, store), 2 the firmware file, 3 the signing server, "
    "6 the request, 7 stopped.";

// SIGTERM and SIGINT as something to ask for, so that an import ends where it can clean up.
class StopSignals {
 public:
  StopSignals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    fd_ = station::Fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    ::signal(SIGPIPE, SIG_IGN);
  }
  [[nodiscard]] bool Raised() {
    signalfd_siginfo info{};
    if (!raised_) raised_ = ::read(fd_.Get(), &info, sizeof info) == sizeof info;
    return raised_;
  }

 private:
  station::Fd fd_;
  bool raised_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  station::StartLogging("station-fetcher");
  StopSignals signals;
  const auto stop = [&] { return signals.Raised(); };
  CLI::App app("Brings firmware (IPSW files) into the station's store.");
  app.footer(kExitCodes);
  std::string socket;
  std::string task;
  auto* link = app.add_option("--link", socket, "stationd's worker socket: work on its orders");
  app.add_option("--task", task, "what stationd calls this task")->needs(link);
  station::fetcher::ByHand options;
  std::function<int()> chosen;
  station::fetcher::AddByHandCommands(app, options, chosen, stop);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0
               ? 0
               : static_cast<int>(station::Info(ErrorCode::kBadRequest).error_class);
  }
  if (chosen) return chosen();
  if (socket.empty() || task.empty())
    return station::fetcher::Report(
        {ErrorCode::kBadRequest, "say what to do; see station-fetcher --help"});
  const auto done = station::fetcher::CarryOutOrders(socket, task, stop);
  if (!done)
    station::LogError(station::LogLevel::kError, "task failed", done.error(), {{"task", task}});
  return done ? 0 : 1;
}
