// station-worker: one job on one port. Started by stationd; see README.md.

#include <malloc.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <optional>

#include "station/base/digest.h"
#include "station/base/log.h"
#include "station/worker/identify_job.h"
#include "station/worker/last_word.h"
#include "station/worker/let_go.h"
#include "station/worker/port_act_job.h"
#include "station/worker/restore_job.h"
#include "station/worker/watchdog.h"

namespace {

using station::Error;
using station::ErrorClass;
using station::ErrorCode;
using station::Outcome;
using station::Status;
namespace worker = station::worker;
namespace v1 = station::worker::v1;

// A cancelled job has ended for everybody within two seconds; most of them are the story's own.
constexpr std::chrono::milliseconds kStoryGrace{1200};
// What a library may still keep the story in a call before it lets its phone go.
constexpr std::chrono::seconds kLongestCall{35};

bool IsStop(ErrorCode code) { return station::Info(code).error_class == ErrorClass::kStopped; }

// Ends the job when the story does not. After a stop the story still lets its phone go; after a
// timeout nothing more is to be expected of it, and the process ends.
worker::Watchdog WatchOver(worker::JobReporter& reporter, worker::LastWord& last_word,
                           bool may_owe_return, station::StepDeadlines deadlines) {
  worker::Watch watch(
      {[&reporter] { return reporter.TakePulse(); }, [&reporter] { return reporter.Wanted(); },
       [] { return std::chrono::steady_clock::now(); }},
      kStoryGrace, std::move(deadlines));
  return worker::Watchdog(std::move(watch), [&reporter, &last_word, may_owe_return](Error reason) {
    if (!reporter.Forbid(reason)) return false;
    const bool lets_go = may_owe_return && IsStop(reason.code);
    v1::Finished finished = last_word.Describe(std::unexpected(std::move(reason)));
    const std::chrono::seconds stays =
        lets_go ? worker::kLetGoPatience + kLongestCall : std::chrono::seconds(0);
    finished.set_lets_go_seconds(static_cast<std::uint32_t>(stays.count()));
    if (!last_word.Say(std::move(finished))) return true;
    if (lets_go) std::this_thread::sleep_for(stays);
    std::_Exit(1);
  });
}

int RunIdentify(worker::DaemonLink& link, const v1::IdentifyOrders& orders) {
  worker::JobReporter reporter(link, std::nullopt);
  worker::LastWord last_word(link, reporter);
  const worker::Watchdog watchdog = WatchOver(reporter, last_word, false, {});
  auto identified = worker::Identify(orders, reporter);
  Status result;
  if (identified) {
    v1::ToDaemon message;
    *message.mutable_identified() = *identified;
    link.Report(message);
  } else {
    result = std::unexpected(identified.error());
  }
  last_word.Say(last_word.Describe(result));
  return result ? 0 : 1;
}

int RunPortAct(worker::DaemonLink& link, const v1::PortActOrders& orders) {
  worker::JobReporter reporter(link, std::nullopt);
  worker::LastWord last_word(link, reporter);
  const Status result = worker::ActOnPort(orders);
  last_word.Say(last_word.Describe(result));
  return result ? 0 : 1;
}

// Whether an attempt before this one began to destroy: then no arming is asked for any more.
bool DestroyedBefore(const std::string& journal) {
  const auto records = station::link::ReadJournal(journal);
  if (!records) return false;
  return std::ranges::any_of(*records, [](const v1::JournalRecord& record) {
    return record.has_step_started() && record.step_started().destructive();
  });
}

// Hexadecimal SHA-256; empty when there is no such file.
std::string DigestOfFile(const std::string& path) {
  const auto text = station::ReadFile(path);
  if (!text) return {};
  return station::ToHex(
      station::Sha256Of({reinterpret_cast<const std::uint8_t*>(text->data()), text->size()}));
}

int RunRestore(worker::DaemonLink& link, v1::RestoreOrders orders,
               std::vector<station::Fd> descriptors) {
  const bool destroyed_before = DestroyedBefore(orders.journal_path());
  auto journal = station::link::JournalWriter::Open(orders.journal_path());
  v1::JournalRecord first;
  *first.mutable_orders() = orders;
  Status opened =
      journal ? journal->Append(std::move(first)) : Status(std::unexpected(journal.error()));
  worker::JobReporter reporter(
      link, journal && opened ? std::optional(std::move(*journal)) : std::nullopt,
      destroyed_before);
  worker::LastWord last_word(link, reporter);
  if (!opened) {  // intent must be durable before action
    last_word.Say(last_word.Describe(opened));
    return 1;
  }
  const bool dry_run = orders.dry_run();
  const std::string phone_log = worker::PhoneLogOf(orders);
  station::StepDeadlines deadlines;
  for (const v1::StepDeadline& own : orders.deadlines())
    deadlines[static_cast<station::Step>(own.step())] = std::chrono::seconds(own.seconds());
  worker::RestoreJob job(std::move(orders), std::move(descriptors), reporter);
  const worker::Watchdog watchdog = WatchOver(reporter, last_word, !dry_run, std::move(deadlines));
  const Status result = dry_run ? job.Try() : job.Run();
  const bool owes_return = !result && IsStop(result.error().code) && job.OwesReturn();
  v1::Finished finished = last_word.Describe(result);
  if (result)
    finished.set_outcome(
        static_cast<std::uint32_t>(dry_run ? Outcome::kTried : Outcome::kRestored));
  if (result && dry_run) finished.set_context(job.Report());
  finished.set_phone_log_sha256(DigestOfFile(phone_log));
  if (owes_return)
    finished.set_lets_go_seconds(static_cast<std::uint32_t>(worker::kLetGoPatience.count()));
  finished.set_os_build_after(job.OsBuildAfter());
  finished.set_signer_root(job.SignerRoot());
  last_word.Say(std::move(finished));
  if (owes_return) job.LetGo();
  // Not by returning: the watch may be waiting beside a story that is over.
  std::_Exit(result ? 0 : 1);
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
  if (orders->welcome.has_port_act()) return RunPortAct(link, orders->welcome.port_act());
  if (orders->welcome.has_restore())
    return RunRestore(link, std::move(*orders->welcome.mutable_restore()),
                      std::move(orders->descriptors));
  station::Log(station::LogLevel::kError, "orders of a kind this worker does not know",
               {{"task", task}});
  return 2;
}
