// What the ledger remembers becomes ports again; jobs that outlived the daemon are taken back.

#include "station/base/log.h"
#include "station/daemon/cart/cart.h"

namespace station::daemon {
namespace {

constexpr auto kAwayAtStart =
    std::chrono::seconds(5);  // for the first scan to find a phone whose result is shown

scheduler::Arming FromRow(const ledger::ArmingRow& row) {
  scheduler::Arming arming;
  arming.id = {row.id};
  for (const std::string& port : row.ports) arming.ports.push_back({port});
  for (const std::string& ecid : row.ecids)
    arming.ecids.push_back(ParseEcid(ecid).value_or(Ecid{}));
  arming.serial_numbers = row.serial_numbers;
  arming.action = row.action;
  arming.firmware = row.firmware;
  arming.count = row.count;
  arming.actor = row.actor;
  arming.created = FromUnixMillis(row.created);
  arming.expires = FromUnixMillis(row.expires);
  arming.countdown = std::chrono::seconds(row.countdown_seconds);
  arming.active = row.active;
  for (const std::string& ecid : row.taken) arming.taken.insert(ParseEcid(ecid).value_or(Ecid{}));
  for (const std::string& port : row.let_go_ports) arming.let_go_ports.insert({port});
  for (const std::string& ecid : row.let_go_phones)
    arming.let_go_phones.insert(ParseEcid(ecid).value_or(Ecid{}));
  return arming;
}

}  // namespace

Cart::Cart(CartSettings settings, CartParts parts)
    : settings_(std::move(settings)),
      parts_(std::move(parts)),
      slots_(BudgetsOf(settings_)),
      identify_slots_(scheduler::Budgets::JobsOnly(settings_.identify_at_once)),
      stream_limit_(settings_.concurrency),
      expiry_(parts_.clock),
      sample_(parts_.clock),
      losses_(parts_.clock) {}

void Cart::Recall(const Memory& memory, const std::set<std::string>& alive) {
  labels_ = memory.labels;
  for (const ledger::PhoneFacts& phone : memory.phones) phones_.emplace(phone.ecid, phone);
  for (const ledger::ArmingRow& row : memory.armings) armings_.Add(FromRow(row));
  emergency_stop_ = memory.emergency_stop;
  drain_ = memory.drain;
  SetGates();
  for (const auto& [key, label] : labels_) PortFor(key);
  services_ = memory.services;
  for (const ledger::AttemptOf& done : memory.attempts)
    facts_.push_back(
        {done.port, done.ecid, done.firmware_sha256, done.attempt.error, done.attempt.ended.value});
  for (const ledger::JobRow& job : memory.last_jobs) {
    Port& port = PortFor(job.port);
    ShowResult(port, job);
    if (alive.contains(TaskName(job.id))) AwaitExit(port, job.id);  // it brings its phone back
  }
  for (const ledger::JobRow& job : memory.open_jobs)
    RecallJob(job, alive.contains(TaskName(job.id)));
  Judge();
  ExpireArmings();
  Pump();
}

// A process of before that is nobody's any more: while it lives, its port gets no other.
void Cart::AwaitExit(Port& port, JobId job) {
  port.task = TaskName(job);
  port.task_ended = true;
}

void Cart::ShowResult(Port& port, const ledger::JobRow& job) {
  const bool well =
      job.outcome == Outcome::kRestored || job.outcome == Outcome::kRestoredFollowUpFailed;
  port.job = job;
  port.view.state = well ? PortState::kDone : PortState::kFailed;
  port.view.phone = job.phone;
  port.view.phone.mode = PhoneMode::kNone;
  port.view.job = job.id;
  port.view.outcome = job.outcome;
  port.view.error = job.error;
  port.view.simulated = job.simulated;
  port.seen_since_end = true;
  if (!port.usb)
    port.away.Set(kAwayAtStart, [this, &port] { Apply(port, scheduler::PortEvent::kStayedAway); });
  Apply(port, scheduler::PortEvent::kDaemonRestarted);
}

void Cart::RecallJob(const ledger::JobRow& open, bool alive) {
  ledger::JobRow job = open;
  if (job.action == Action::kIdentify) {
    job.ended = NowMillis();
    job.error = ErrorCode::kUnavailable;
    job.context = "the station was restarted";
    parts_.ledger.Append({ledger::PutJob{job}});
    if (!alive) return;
    AwaitExit(PortFor(job.port), job.id);
    return parts_.workers.Kill(TaskName(job.id));
  }
  Port& port = PortFor(job.port);
  port.away.Stop();
  port.job = job;
  port.view.phone = job.phone;
  port.view.phone.mode = PhoneMode::kNone;
  port.view.job = job.id;
  port.view.simulated = job.simulated;
  port.view.outcome = Outcome::kNone;
  port.view.error = ErrorCode::kNone;
  port.meter.BeginStep(job.step, parts_.clock.Now());
  port.view.progress = port.meter.View(parts_.clock.Now());
  if (alive) port.task = TaskName(job.id);
  const bool only_intended = !alive && !parts_.has_orders(job.id, job.attempt);
  port.view.state = only_intended ? PortState::kQueued : PortState::kWorking;
  Apply(port, scheduler::PortEvent::kDaemonRestarted);
}

void Cart::QueueBack(Port& port) {
  Log(LogLevel::kInfo, "job queued again",
      {{"job", std::to_string(port.job->id.value)}, {"port", port.view.label}});
  if (!AwaitsItsPhone(port))
    port.away.Set(kAwayAtStart, [this, &port] { Apply(port, scheduler::PortEvent::kStayedAway); });
  QueueJob(port);
}

void Cart::TakeBack(Port& port) {
  ledger::JobRow& job = *port.job;
  const std::string id = std::to_string(job.id.value);
  // The worker was faster than the ledger.
  if (job.began.value == 0) job.began = NowMillis();
  slots_.Adopt(port.view.key);
  if (const auto last_word = parts_.last_word(job.id, job.attempt)) {
    Log(LogLevel::kInfo, "job had ended meanwhile", {{"job", id}, {"port", port.view.label}});
    FinishAttempt(port, *last_word);
  } else if (!port.task.empty()) {
    Log(LogLevel::kInfo, "job adopted", {{"job", id}, {"port", port.view.label}});
    if (const auto sha256 = ParseSha256(job.firmware_sha256))
      if (auto lease = parts_.firmware.Hold(*sha256)) port.lease = std::move(*lease);
    // One that lives says its step at once; one that hangs is ended by that step's deadline.
    TimeStep(port, job.step);
  } else {
    FinishAttempt(port, {.outcome = Outcome::kIndeterminate,
                         .error = ErrorCode::kWorkerDied,
                         .context = "it was not there any more when the station came back",
                         .step = job.step});
  }
}

std::optional<ledger::JobRow> Cart::RunningJob(JobId id) const {
  for (const auto& [key, port] : ports_)
    if (port.job && port.job->id == id) return port.job;
  return std::nullopt;
}

std::set<std::string> Cart::FirmwareInUse() const {
  std::set<std::string> used;
  for (const auto& [key, port] : ports_)
    if (port.job && port.job->ended.value == 0) used.insert(port.job->firmware_sha256);
  return used;
}

std::map<std::string, int> Cart::Leases() const {
  std::map<std::string, int> leases;
  for (const auto& [key, port] : ports_)
    if (!port.task.empty() && port.job && !port.identify) ++leases[port.job->firmware_sha256];
  return leases;
}

}  // namespace station::daemon
