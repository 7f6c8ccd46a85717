// station-worker: one job on one port. Started by stationd; see README.md.

#include <malloc.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <optional>

#include "station/base/log.h"
#include "station/worker/identify_job.h"
#include "station/worker/restore_job.h"

namespace {

using station::ErrorCode;
using station::Fail;
using station::Outcome;
using station::Result;
using station::Status;
namespace worker = station::worker;
namespace v1 = station::worker::v1;

constexpr std::chrono::seconds kLastWordPatience{120};

v1::Finished Describe(const Status& result, const worker::JobReporter& reporter) {
  v1::Finished finished;
  finished.set_step(static_cast<std::uint32_t>(reporter.CurrentStep()));
  if (result) return finished;
  station::LogError(station::LogLevel::kError, "job failed", result.error());
  finished.set_error_code(static_cast<std::uint32_t>(result.error().code));
  finished.set_context(result.error().context.substr(0, 2000));
  return finished;
}

int Finish(worker::DaemonLink& link, worker::JobReporter& reporter, v1::Finished finished) {
  reporter.JournalEnd(finished);
  const bool failed = finished.error_code() != 0;
  v1::ToDaemon message;
  *message.mutable_finished() = std::move(finished);
  if (!link.ReportLast(message, kLastWordPatience))
    station::Log(station::LogLevel::kWarning,
                 "the daemon did not come back to hear the end; the journal has it");
  return failed ? 1 : 0;
}

int RunIdentify(worker::DaemonLink& link, const v1::IdentifyOrders& orders) {
  worker::JobReporter reporter(link, std::nullopt);
  auto identified = worker::Identify(orders, reporter);
  Status result;
  if (identified) {
    v1::ToDaemon message;
    *message.mutable_identified() = *identified;
    link.Report(message);
  } else {
    result = std::unexpected(identified.error());
  }
  return Finish(link, reporter, Describe(result, reporter));
}

int RunRestore(worker::DaemonLink& link, v1::RestoreOrders orders,
               std::vector<station::Fd> descriptors) {
  auto journal = station::link::JournalWriter::Open(orders.journal_path());
  v1::JournalRecord first;
  *first.mutable_orders() = orders;
  Status opened =
      journal ? journal->Append(std::move(first)) : Status(std::unexpected(journal.error()));
  worker::JobReporter reporter(
      link, journal && opened ? std::optional(std::move(*journal)) : std::nullopt);
  if (!opened)
    return Finish(link, reporter,
                  Describe(opened, reporter));  // intent must be durable before action
  worker::RestoreJob job(std::move(orders), std::move(descriptors), reporter);
  const Status result = job.Run();
  v1::Finished finished = Describe(result, reporter);
  if (result) finished.set_outcome(static_cast<std::uint32_t>(Outcome::kRestored));
  finished.set_os_build_after(job.OsBuildAfter());
  finished.set_signer_root(job.SignerRoot());
  return Finish(link, reporter, std::move(finished));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"station-worker: restores one phone on one port; started by stationd"};
  std::string socket;
  std::string task;
  app.add_option("--link", socket, "stationd's worker socket")->required();
  app.add_option("--task", task, "name of the task, as stationd gave it")->required();
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  // Thirty of these run side by side: what is freed goes back to the system, and threads that
  // mostly wait share one heap.
  ::mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  ::mallopt(M_ARENA_MAX, 1);
  station::StartLogging("station-worker");

  worker::DaemonLink link(socket, task);
  auto orders = link.Start();
  if (!orders) {
    station::LogError(station::LogLevel::kError, "no orders", orders.error(), {{"task", task}});
    return 2;
  }
  if (orders->welcome.has_identify()) return RunIdentify(link, orders->welcome.identify());
  if (orders->welcome.has_restore())
    return RunRestore(link, std::move(*orders->welcome.mutable_restore()),
                      std::move(orders->descriptors));
  station::Log(station::LogLevel::kError, "orders of a kind this worker does not know",
               {{"task", task}});
  return 2;
}
