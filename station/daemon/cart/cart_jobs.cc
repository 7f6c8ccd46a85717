// A job's life: made durable, queued, run, tried again, ended.

#include "scheduler/verdict.h"
#include "station/base/log.h"
#include "station/base/step_table.h"
#include "station/daemon/cart/cart.h"

namespace station::daemon {
namespace {

using scheduler::PortEvent;
using namespace std::chrono_literals;

constexpr auto kExitPatience = 10s;   // for a worker to exit after its last word
constexpr auto kCancelPatience = 2s;  // for one to stop between destructive steps

// Evidence is only what Apple's root signed; a rack says what it is in its root's name.
bool IsRackRoot(const std::string& signer_root) {
  return signer_root.find("Rack") != std::string::npos;
}

}  // namespace

ledger::JobRow Cart::NewJob(const Port& port, Action action, const std::string& actor) {
  ledger::JobRow job;
  job.id = parts_.ledger.NextJobId();
  job.action = action;
  job.port = port.view.key;
  job.port_label = port.view.label;
  job.phone = port.view.phone;
  job.actor = actor;
  job.created = NowMillis();
  return job;
}

void Cart::TakeUp(Port& port, const ledger::JobRow& job) {
  port.job = job;
  port.by_hand = port.ask_ticket = false;
  port.hand_tries = 0;
  StopClimbing(port);
  Climb(port, scheduler::Rung::kNone);
  port.view.job = job.id;
  port.view.armed_until.reset();
  port.view.outcome = Outcome::kNone;
  port.view.error = ErrorCode::kNone;
  port.view.progress = {};
  port.view.simulated = false;
  port.meter.BeginStep(Step::kNone, parts_.clock.Now());
}

void Cart::CreateJob(Port& port) {
  const scheduler::ArmingId arming_id = *port.arming;
  const scheduler::Arming& arming = *armings_.Find(arming_id);
  const auto firmware = parts_.firmware.Choose(arming.firmware, port.view.phone.product);
  const Status taken = armings_.Take(arming_id, port.view.phone.ecid, parts_.clock.Wall());
  port.countdown.Stop();
  ledger::JobRow job = NewJob(port, arming.action, arming.actor);
  job.arming_id = arming_id.value;
  if (firmware) {
    job.firmware_sha256 = ToHex(firmware->sha256);
    job.firmware_version = VersionText(*firmware);
  }
  TakeUp(port, job);
  Records records = {ledger::PutJob{job}, AsRecord(*armings_.Find(arming_id)),
                     Event("job_created", arming.actor, &port)};
  ++storing_;
  parts_.ledger.Append(
      std::move(records), [this, &port, id = job.id, usable = firmware && taken](Status status) {
        --storing_;
        if (!port.job || port.job->id != id || port.view.state != PortState::kQueued)
          return Pump();  // withdrawn meanwhile
        if (status && usable) return QueueJob(port);
        port.job->error = status ? ErrorCode::kInternal : ErrorCode::kLedger;
        port.job->context = status ? "the arming or firmware went away" : status.error().context;
        Apply(port, PortEvent::kEndedBadly);
      });
  // Its count may be used up; who it took on another port sees that at the last look.
  if (!armings_.Find(arming_id)->Open(parts_.clock.Wall())) ConsiderAll();
}

void Cart::QueueJob(Port& port) {
  if (!port.task.empty()) {
    port.queue_when_gone = true;
    return;
  }
  if (port.act_due) return CarryOutRung(port);
  if (!port.usb && AwaitsItsPhone(port)) return AwaitPhone(port);
  slots_.Enqueue({port.view.key, port.job->arming_id, port.job->began.value != 0});
  Pump();
}

void Cart::AwaitPhone(Port& port) {
  port.job->error = ErrorCode::kPhoneGone;
  port.job->context = "it is not on its port";
  AwaitHands(port, true);
}

// What was to be written is not in the store any more: without a slot, until it is again.
bool Cart::AwaitsFirmware(Port& port) {
  const auto sha256 = ParseSha256(port.job->firmware_sha256);
  if (!sha256 || parts_.firmware.Has(*sha256)) return false;
  port.queue_when_stored = true;
  SayWhatIsMissing(port);
  return true;
}

// While its firmware is only under suspicion there is nothing to be done about it.
void Cart::SayWhatIsMissing(Port& port) {
  const auto there = parts_.firmware.Choose(port.job->firmware_sha256, port.job->phone.product);
  port.view.error = there ? ErrorCode::kNone : there.error().code;
  Changed(port);
}

// Of phones that were armed together all queue before the first is let in: who goes first is chosen
// among all.
void Cart::Pump() {
  while (storing_ == 0) {
    const auto key = slots_.Next();
    if (!key) break;
    Port& port = PortFor(*key);
    const scheduler::Arming* arming = armings_.Find({port.job->arming_id});
    const bool expired =
        !IsTry(port.job->action) && (arming == nullptr || !(parts_.clock.Wall() < arming->expires));
    if (port.job->began.value == 0 && expired) {
      slots_.Remove(*key);
      port.job->context = "the arming expired before the job could begin";
      Apply(port, PortEvent::kDisarm);
    } else if (AwaitsFirmware(port)) {
      slots_.Remove(*key);
    } else {
      Apply(port, PortEvent::kSlot);
    }
  }
  CartChanged();
}

// What an operator tries again by hand has no arming any more; they are at the phone.
ledger::UnixMillis Cart::ArmingExpires(const Port& port) const {
  const scheduler::Arming* arming = armings_.Find({port.job->arming_id});
  if (port.by_hand || arming == nullptr) return {};
  return ToUnixMillis(arming->expires);
}

void Cart::RunWorker(Port& port) {
  ledger::JobRow& job = *port.job;
  const auto fail = [&](const Error& error) {
    job.error = error.code;
    job.context = error.context;
    Apply(port, PortEvent::kEndedBadly);
  };
  const auto sha256 = ParseSha256(job.firmware_sha256);
  auto files = sha256 ? parts_.firmware.Open(*sha256)
                      : Fail(ErrorCode::kFirmwareAbsent, "no firmware was chosen");
  if (!files) return fail(files.error());
  auto lease = parts_.firmware.Hold(*sha256);
  if (!lease) return fail(lease.error());
  port.lease = std::move(*lease);
  port.task = TaskName(job.id);
  port.task_ended = false;
  port.killed_for = ErrorCode::kNone;
  port.destructive = false;
  if (job.began.value == 0) job.began = NowMillis();
  const std::string journal = settings_.journal_dir / port.task;
  RestoreTask orders{.job = job.id,
                     .attempt = job.attempt,
                     .port = {port.view.key, port.paths, port.view.label},
                     .phone = job.phone,
                     .action = job.action,
                     .firmware_sha256 = job.firmware_sha256,
                     .signing_url = settings_.signing_url,
                     .signing_ca_file = settings_.signing_ca_file,
                     .further_hosts = settings_.further_hosts,
                     .deadlines = settings_.deadlines,
                     .journal = journal,
                     .arming_expires = ArmingExpires(port),
                     .ask_ticket = port.ask_ticket,
                     .capture = settings_.capture_dir.empty()
                                    ? ""
                                    : settings_.capture_dir / (port.task + ".jsonl"),
                     .files = std::move(*files)};
  if (const Status started = parts_.workers.Start({port.task, std::move(orders)}); !started) {
    port.task.clear();
    return fail(started.error());
  }
  parts_.ledger.Append({ledger::PutJob{job}});
  port.meter.BeginStep(Step::kNone, parts_.clock.Now());
  port.deadline.Set(Spec(Step::kNone).deadline, [this, &port] {
    KillFor(port, ErrorCode::kStepTimeout, "the worker did not begin");
  });
}

// The next attempt of the same job. It counts as begun: no arming is asked for again.
void Cart::RunAgain(Port& port) {
  ledger::JobRow& job = *port.job;
  ++job.attempt;
  job.ended = {};
  job.outcome = Outcome::kNone;
  job.error = ErrorCode::kNone;
  job.context.clear();
  job.step = Step::kNone;
  port.view.error = ErrorCode::kNone;
  port.view.outcome = Outcome::kNone;
  port.view.job = job.id;
  port.view.progress = {};
  slots_.Remove(port.view.key);
  parts_.ledger.Append(
      {ledger::PutJob{job}, Event("attempt", job.actor, &port, std::to_string(job.attempt))},
      [this, &port, id = job.id](Status status) {
        if (!port.job || port.job->id != id || port.view.state != PortState::kQueued) return;
        if (status) return QueueJob(port);
        port.job->error = ErrorCode::kLedger;
        Apply(port, PortEvent::kEndedBadly);
      });
}

void Cart::FinishAttempt(Port& port, const Ended& ended) {
  ledger::JobRow& job = *port.job;
  LetItExit(port, ended.lets_go);
  port.cancel_grace.Stop();
  job.error = ended.error;
  job.context = ended.context;
  job.outcome = ended.outcome != Outcome::kNone ? ended.outcome : scheduler::OutcomeOf(ended.error);
  if (ended.step != Step::kNone) job.step = ended.step;
  job.os_build_after = ended.os_build_after;
  if (!ended.signer_root.empty()) job.signer_root = ended.signer_root;
  job.simulated = IsRackRoot(job.signer_root);
  port.view.simulated = job.simulated;
  Records records;
  CloseStep(port, records);
  if (!ended.phone_log_sha256.empty())
    records.push_back(Event("phone_log", {}, &port, ended.phone_log_sha256));
  if (!IsTry(job.action)) {
    records.push_back(
        ledger::PutAttempt{job.id, {job.attempt, port.view.rung, job.error, NowMillis()}});
    parts_.observer.OnAttemptEnded(job);
  }
  if (!records.empty()) parts_.ledger.Append(std::move(records));
  if (!IsTry(job.action)) Remember(port);
  const bool well =
      job.outcome == Outcome::kRestored || job.outcome == Outcome::kRestoredFollowUpFailed;
  if (IsTry(job.action)) {
    Apply(port, PortEvent::kTried);
  } else if (well) {
    Apply(port, PortEvent::kRestored);
  } else if (port.view.state == PortState::kWorking && !emergency_stop_ && drain_ != Drain::kUps &&
             !ending_ && NextRung(port) != scheduler::Rung::kQuarantine) {
    LogError(LogLevel::kWarning, "attempt failed, trying again", {ended.error, ended.context},
             {{"port", port.view.label}, {"job", std::to_string(job.id.value)}});
    Climb(port, NextRung(port));
    Apply(port, PortEvent::kTryAgain);
  } else if (port.view.state == PortState::kWorking && !ending_ &&
             port.hand_tries < settings_.button_tries &&
             scheduler::HandsFor(job.error) != scheduler::Hands::kNone) {
    Apply(port, PortEvent::kNeedsHands);
  } else {
    Apply(port,
          job.error == ErrorCode::kWorkerDied ? PortEvent::kWorkerDied : PortEvent::kEndedBadly);
  }
}

void Cart::EndJob(Port& port) {
  ledger::JobRow& job = *port.job;
  ClearHands(port);
  job.ended = NowMillis();
  if (job.outcome == Outcome::kNone) job.outcome = scheduler::OutcomeOf(job.error);
  port.view.outcome = job.outcome;
  port.view.error = job.error;
  port.view.progress.eta.reset();
  port.view.progress.bytes_per_second = 0;
  if (port.view.state == PortState::kDone) port.view.progress.fraction = 1;
  Unarm(port);
  port.view.error = job.error;
  port.seen_since_end = port.usb.has_value();
  slots_.Remove(port.view.key);
  parts_.ledger.Append(
      {ledger::PutJob{job}, Event("job_ended", {}, &port, std::string(Name(job.outcome)))});
  LogError(job.error == ErrorCode::kNone ? LogLevel::kInfo : LogLevel::kError, "job ended",
           {job.error, job.context},
           {{"job", std::to_string(job.id.value)},
            {"port", port.view.label},
            {"step", std::string(Name(job.step))},
            {"outcome", std::string(Name(job.outcome))}});
  if (!IsTry(job.action)) parts_.observer.OnJobEnded(job);
  Pump();
}

// A job no worker was started for.
void Cart::WithdrawJob(Port& port, ErrorCode error, const std::string& context) {
  port.queue_when_gone = port.queue_when_stored = false;
  StopClimbing(port);
  ClearHands(port);
  slots_.Remove(port.view.key);
  if (port.job && port.job->ended.value == 0) {
    port.job->error = error;
    if (port.job->context.empty()) port.job->context = context;
    EndJob(port);
  }
  if (port.view.state != PortState::kIdle) return;
  Unarm(port);
  port.view.outcome = Outcome::kNone;
  port.job.reset();
}

void Cart::CloseStep(Port& port, Records& records) {
  if (!port.step || !port.job) return;
  port.step->ended = NowMillis();
  port.step->bytes = port.meter.BytesDone();
  records.push_back(ledger::PutStep{port.job->id, *port.step});
  parts_.observer.OnStepEnded(port.step->step, parts_.clock.Now() - port.step_began);
  port.step.reset();
}

void Cart::SendCancel(Port& port) {
  parts_.workers.Cancel(port.task);
  if (port.destructive || port.cancel_grace.Running()) return;
  port.cancel_grace.Set(kCancelPatience,
                        [this, &port] { KillFor(port, ErrorCode::kCancelled, "cancelled"); });
}

void Cart::KillFor(Port& port, ErrorCode reason, const std::string& context) {
  if (port.task.empty()) return;
  if (port.killed_for == ErrorCode::kNone) {
    port.killed_for = reason;
    port.ended_context = context;
  }
  parts_.workers.Kill(port.task);
}

// It said its last word; a worker that then hangs is ended.
void Cart::LetItExit(Port& port, std::chrono::seconds longer) {
  port.task_ended = true;
  port.deadline.Stop();
  if (port.task.empty()) return;
  port.deadline.Set(kExitPatience + longer, [this, &port] { parts_.workers.Kill(port.task); });
}

void Cart::StopTakingWork() {
  ending_ = true;
  SetGates();
  for (auto& [key, port] : ports_) port.countdown.Stop();
}

}  // namespace station::daemon
