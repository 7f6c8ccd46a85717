// station-fetcher: imports firmware into the store, by hand or on stationd's order.

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include "station/base/fd.h"
#include "station/base/log.h"
#include "station/fetcher/import.h"
#include "station/fetcher/link_report.h"
#include "station/fetcher/progress_pace.h"
#include "station/fetcher/report_text.h"

namespace {

using station::ErrorCode;

constexpr const char* kExitCodes =
    "Exit codes: 0 done, 1 the station (disk, store), 2 the firmware file, 6 the request, 7 "
    "stopped.";

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

int ExitCode(ErrorCode code) { return static_cast<int>(station::Info(code).error_class); }

int Report(const station::Error& error) {
  std::cerr << "error: " << station::Name(error.code) << ": "
            << station::fetcher::Printable(error.context) << "\n"
            << station::OperatorLine(error.code) << "\n";
  return ExitCode(error.code);
}

int ImportByHand(const std::string& file, const std::string& store, const std::string& sha256,
                 StopSignals& signals) {
  station::fetcher::ImportRequest request{file, store, "by-hand-" + std::to_string(::getpid()),
                                          station::ParseSha256(sha256)};
  if (!sha256.empty() && !request.expected)
    return Report({ErrorCode::kBadRequest, "\"" + sha256 + "\" is no SHA-256 in hexadecimal"});
  station::fetcher::ProgressPace pace;
  station::fetcher::ImportHooks hooks;
  hooks.stop = [&] { return signals.Raised(); };
  hooks.progress = [&](std::uint64_t done, std::uint64_t total) {
    if (pace.Due(done == total))
      std::cerr << (done >> 20U) << " of " << (total >> 20U) << " MiB\n" << std::flush;
  };
  auto entry = station::fetcher::Import(request, hooks);
  if (!entry) return Report(entry.error());
  std::cout << station::fetcher::EntryAsJson(*entry) << std::endl;
  return std::cout ? 0 : Report({ErrorCode::kIo, "writing to standard output"});
}

}  // namespace

int main(int argc, char** argv) {
  station::StartLogging("station-fetcher");
  StopSignals signals;
  CLI::App app("Imports firmware (IPSW files) into the station's store.");
  app.footer(kExitCodes);
  std::string socket;
  std::string task;
  auto* link = app.add_option("--link", socket, "stationd's worker socket: import on its orders");
  app.add_option("--task", task, "what stationd calls this import")->needs(link);
  std::string file;
  std::string store;
  std::string sha256;
  CLI::App* import = app.add_subcommand("import", "Import one IPSW and print its entry as JSON");
  import->add_option("FILE", file, "the IPSW")->required();
  import->add_option("--store", store, "the store's folder")->required();
  import->add_option("--sha256", sha256, "what the file's SHA-256 must be, in hexadecimal");
  import->footer(kExitCodes);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : ExitCode(ErrorCode::kBadRequest);
  }
  if (import->parsed()) return ImportByHand(file, store, sha256, signals);
  if (socket.empty() || task.empty())
    return Report({ErrorCode::kBadRequest, "say what to import; see station-fetcher --help"});
  auto done = station::fetcher::ImportOnOrders(socket, task, [&] { return signals.Raised(); });
  if (!done)
    station::LogError(station::LogLevel::kError, "import failed", done.error(), {{"task", task}});
  return done ? 0 : 1;
}
