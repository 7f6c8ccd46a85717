#include "tests/simulation/processes.h"

namespace station::simulation {
namespace {

using namespace std::chrono_literals;

constexpr auto kMessage = 1ms;

}  // namespace

Status Processes::Start(daemon::Task task) {
  if (refuse_to_start) return Fail(ErrorCode::kWorkerStart, "as the run wants");
  auto process = std::make_unique<Process>(clock_);
  process->task = task.name;
  process->daemon = daemon_;
  process->started = clock_.Time();
  if (const auto* identify = std::get_if<daemon::IdentifyTask>(&task.orders)) {
    process->identifies = true;
    process->job = identify->job;
    process->site = floor_.SiteOf(identify->port.key);
  } else if (const auto* restore = std::get_if<daemon::RestoreTask>(&task.orders)) {
    process->job = restore->job;
    process->attempt = restore->attempt;
    process->site = floor_.SiteOf(restore->port.key);
    process->ecid = restore->phone.ecid;
    process->arming_expires = restore->arming_expires.value;
  }
  hooks_.on_start(*process);
  Process& started = *(running_[task.name] = std::move(process));
  started.next.Set(random_.Time(20ms, 200ms), [this, &started] { Hello(started); });
  return {};
}

// Only the daemon that started it knows its orders.
void Processes::Hello(Process& process) {
  if (listener_ == nullptr || process.daemon != daemon_) return Exit(process, 0ms);
  process.has_orders = true;
  Link(process);
  if (process.identifies) return Identify(process);
  Journal& journal = journals_[process.job.value];
  journal.attempt = process.attempt;
  journal.last_word.reset();
  process.destroyed = journal.destroyed;
  Bind(process);
}

void Processes::Link(Process& process) {
  process.linked = true;
  process.emergency_stop = emergency_stop_;
  NoticeStop(process);
}

void Processes::Say(const Process& process, std::function<void(daemon::TaskListener&)> message) {
  if (!process.linked || listener_ == nullptr) return;
  clock_.After(kMessage, [this, daemon = daemon_, message = std::move(message)] {
    if (listener_ != nullptr && daemon == daemon_) message(*listener_);
  });
}

void Processes::Exit(Process& process, Millis after) {
  process.next.Set(after, [this, task = process.task] { Die(task); });
}

void Processes::Die(const std::string& task) {
  auto node = running_.extract(task);
  if (node.empty()) return;
  if (node.mapped()->stream) wires_.Stop(*node.mapped()->stream);
  hooks_.on_exit(*node.mapped());
  if (listener_ == nullptr) return;
  clock_.After(kMessage, [this, daemon = daemon_, task] {
    if (listener_ != nullptr && daemon == daemon_) listener_->OnGone(task);
  });
}

void Processes::Hang(const std::string& task) {
  const auto found = running_.find(task);
  if (found == running_.end() || found->second->last_word) return;
  Process& process = *found->second;
  process.hung = true;
  process.next.Stop();
  process.stop_soon.Stop();
  process.when_there = process.when_gone = nullptr;
  if (process.stream) wires_.Stop(*std::exchange(process.stream, std::nullopt));
}

void Processes::Kill(const std::string& task) {
  clock_.After(random_.Time(1ms, 30ms), [this, task] { Die(task); });
}

void Processes::Cancel(const std::string& task) {
  const auto found = running_.find(task);
  if (found == running_.end() || !found->second->linked) return;
  found->second->cancelled = true;
  NoticeStop(*found->second);
}

void Processes::SetEmergencyStop(bool engaged) {
  emergency_stop_ = engaged;
  for (const auto& [task, process] : running_) {
    if (!process->linked) continue;
    process->emergency_stop = engaged;
    NoticeStop(*process);
  }
}

std::optional<ErrorCode> Processes::StopReason(const Process& process) const {
  if (process.emergency_stop) return ErrorCode::kEmergencyStop;
  if (process.cancelled) return ErrorCode::kCancelled;
  return std::nullopt;
}

void Processes::NoticeStop(Process& process) {
  if (!StopReason(process) || process.hung || process.last_word || process.identifies) return;
  process.stop_soon.Set(random_.Time(10ms, 1200ms), [this, &process] {
    const auto reason = StopReason(process);
    if (reason && !process.destructive && !process.last_word) GiveUp(process, *reason);
  });
}

void Processes::DaemonGone() {
  listener_ = nullptr;
  for (const auto& [task, process] : running_) process->linked = false;
}

void Processes::DaemonBack(daemon::TaskListener& listener) {
  listener_ = &listener;
  ++daemon_;
  for (const auto& [task, process] : running_)
    if (process->has_orders)
      clock_.After(random_.Time(5ms, 1100ms),
                   [this, name = task, daemon = daemon_] { Resume(name, daemon); });
}

// It found the new daemon, and says the one thing that cannot do without.
void Processes::Resume(const std::string& task, std::size_t daemon) {
  const auto found = running_.find(task);
  if (found == running_.end() || listener_ == nullptr || daemon != daemon_) return;
  Process& process = *found->second;
  if (process.hung) return;
  Link(process);
  if (process.last_word) return Rest(process);
  if (process.step == Step::kNone) return;
  const daemon::StepReport report{process.step, process.destructive, {}};
  Say(process, [task, report](daemon::TaskListener& to) { to.OnStep(task, report); });
}

std::set<std::string> Processes::Alive() const {
  std::set<std::string> alive;
  for (const auto& [task, process] : running_) alive.insert(task);
  return alive;
}

std::optional<daemon::Ended> Processes::LastWord(JobId job, int attempt) const {
  const auto found = journals_.find(job.value);
  if (found == journals_.end() || found->second.attempt != attempt) return std::nullopt;
  return found->second.last_word;
}

bool Processes::HasOrders(JobId job, int attempt) const {
  const auto found = journals_.find(job.value);
  return found != journals_.end() && found->second.attempt == attempt;
}

const Process* Processes::OfSite(int site) const {
  for (const auto& [task, process] : running_)
    if (process->site == site && !process->identifies) return process.get();
  return nullptr;
}

void Processes::OnLeft(int site) {
  for (const auto& [task, process] : running_) {
    if (process->site != site || !process->when_gone) continue;
    const auto call = std::exchange(process->when_gone, nullptr);
    call();
    return;  // which may have changed running_
  }
}

void Processes::OnCame(int site) {
  const int phone = floor_.Visible(site);
  for (const auto& [task, process] : running_) {
    if (process->site != site || !process->when_there) continue;
    if (!process->wanted(floor_.PhoneAt(phone).mode)) continue;
    const auto call = std::exchange(process->when_there, nullptr);
    call();
    return;
  }
}

void Processes::OnMuxGone() {
  std::vector<std::string> concerned;
  for (const auto& [task, process] : running_)
    if (process->step == Step::kStream || process->step == Step::kFlash) concerned.push_back(task);
  for (const std::string& task : concerned) {
    Process& process = *running_[task];
    if (process.hung || process.last_word) continue;
    const int phone = PhoneOf(process);
    if (phone != kNone)  // its restore OS gives up without its host
      floor_.Reboot(phone, 2s, 10s, PhoneMode::kRecovery);
    GiveUp(process,
           process.step == Step::kStream ? ErrorCode::kAsrTransfer : ErrorCode::kDeviceSilent);
  }
}

}  // namespace station::simulation
