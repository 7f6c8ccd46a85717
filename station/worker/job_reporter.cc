#include "station/worker/job_reporter.h"

#include <algorithm>
#include <thread>

#include "station/base/log.h"
#include "station/base/step_table.h"

namespace station::worker {
namespace {
constexpr std::chrono::milliseconds kProgressPause{200};
constexpr std::chrono::milliseconds kPollPause{100};
}  // namespace

JobReporter::JobReporter(DaemonLink& link, std::optional<link::JournalWriter> journal,
                         bool destroyed_before)
    : link_(link), journal_(std::move(journal)), destroyed_before_(destroyed_before) {}

Status JobReporter::Wanted() { return Refusal(false); }

bool JobReporter::Forbid(const Error& reason) {
  const std::lock_guard lock(mutex_);
  if (destructive_ && Info(reason.code).error_class == ErrorClass::kStopped) return false;
  if (!forbidden_) forbidden_ = reason;
  return true;
}

bool JobReporter::DestroyedBefore() const {
  const std::lock_guard lock(mutex_);
  return destroyed_before_;
}

JobReporter::Pulse JobReporter::TakePulse() const {
  const std::lock_guard lock(mutex_);
  return {step_, destructive_, step_began_, bytes_done_ > 0 && bytes_done_ < bytes_total_,
          last_byte_};
}

Status JobReporter::Refusal(bool about_to_destroy) {
  const DaemonLink::Wishes wishes = link_.Poll();
  if (wishes.emergency_stop) return Fail(ErrorCode::kEmergencyStop, "emergency stop");
  if (wishes.cancelled)
    return Fail(ErrorCode::kCancelled,
                about_to_destroy ? "cancelled before the destructive step" : "cancelled");
  return {};
}

Status JobReporter::BeginStep(Step step) {
  const bool destructive = Spec(step).destructive;
  // A job that is already destroying goes on to its end: stopping between flash steps would leave a
  // dead phone.
  if (!destructive_) STATION_CHECK(Refusal(destructive));
  v1::ToDaemon message;
  v1::StepStarted& started = *message.mutable_step_started();
  started.set_step(static_cast<std::uint32_t>(step));
  started.set_destructive(destructive);
  {
    const std::lock_guard lock(mutex_);
    if (forbidden_) return std::unexpected(*forbidden_);
    started.set_signer_root(signer_root_);
    if (journal_) {
      v1::JournalRecord record;
      *record.mutable_step_started() = started;
      STATION_CHECK(journal_->Append(std::move(record)));
    }
    step_ = step;
    destructive_ = destructive;
    destroyed_before_ = destroyed_before_ || destructive;
    step_began_ = std::chrono::steady_clock::now();
    bytes_done_ = bytes_total_ = 0;
    next_progress_ = {};
  }
  Log(LogLevel::kInfo, "step",
      {{"name", std::string(Name(step))}, {"destructive", destructive ? "yes" : "no"}});
  link_.Report(message);
  return {};
}

void JobReporter::NothingIsBeingDestroyed() {
  const std::lock_guard lock(mutex_);
  destructive_ = false;
}

void JobReporter::SetSignerRoot(const std::string& root) {
  const std::lock_guard lock(mutex_);
  signer_root_ = root;
}

Step JobReporter::CurrentStep() const {
  const std::lock_guard lock(mutex_);
  return step_;
}

void JobReporter::JournalEnd(const v1::Finished& finished) {
  const std::lock_guard lock(mutex_);
  if (!journal_) return;
  v1::JournalRecord record;
  *record.mutable_finished() = finished;
  if (auto written = journal_->Append(std::move(record)); !written)
    LogError(LogLevel::kError, "the journal could not be written", written.error());
}

void JobReporter::Progress(double fraction, std::uint64_t bytes_done, std::uint64_t bytes_total) {
  v1::ToDaemon message;
  {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (bytes_done != bytes_done_) last_byte_ = now;
    bytes_done_ = bytes_done;
    bytes_total_ = bytes_total;
    if (now < next_progress_ && fraction < 1.0) return;
    next_progress_ = now + kProgressPause;
    v1::Progress& progress = *message.mutable_progress();
    progress.set_step(static_cast<std::uint32_t>(step_));
    progress.set_step_fraction(std::clamp(fraction, 0.0, 1.0));
    progress.set_bytes_done(bytes_done);
    progress.set_bytes_total(bytes_total);
  }
  link_.Report(message);
}

Status JobReporter::KeepGoing() {
  {
    const std::lock_guard lock(mutex_);
    if (forbidden_) return std::unexpected(*forbidden_);
    const auto now = std::chrono::steady_clock::now();
    if (destructive_ || now < next_poll_) return {};
    next_poll_ = now + kPollPause;
  }
  return Refusal(false);
}

Status JobReporter::Pause(std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (true) {
    STATION_CHECK(KeepGoing());
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    if (left <= std::chrono::milliseconds(0)) return {};
    std::this_thread::sleep_for(std::min(left, kPollPause));
  }
}

}  // namespace station::worker
