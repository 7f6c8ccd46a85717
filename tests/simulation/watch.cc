#include "tests/simulation/watch.h"

#include <fmt/format.h>

#include <algorithm>

namespace station::simulation {
namespace {

using namespace std::chrono_literals;

// A worker that was on its own when the stop came hears of it when it is back on the line.
constexpr Millis kStopReachesAll = 1500ms;

bool HasJob(PortState state) {
  return state == PortState::kQueued || state == PortState::kWorking ||
         state == PortState::kCancelling;
}
bool IsResult(PortState state) { return state == PortState::kDone || state == PortState::kFailed; }

}  // namespace

void Watch::Broken(const std::string& what) {
  if (broken_) return;
  broken_ = fmt::format("at {:.3f} s: {}", static_cast<double>(clock_.Time().count()) / 1000, what);
}

void Watch::Hash(std::uint64_t value) { trace_ = (trace_ ^ value) * 1099511628211ULL; }

void Watch::EmergencyStop(bool engaged) {
  if (!engaged)
    emergency_stop_.reset();
  else if (!emergency_stop_)
    emergency_stop_ = clock_.Time();
}

void Watch::DaemonGone() {
  shown_.clear();
  changed_.clear();
  with_job_ = 0;
}

void Watch::OnStart(const Process& process) {
  const auto hub_of = [&](const Process& one) {
    return floor_.Sites()[static_cast<std::size_t>(one.site)].hub;
  };
  const auto controller_of = [&](const Process& one) {
    return floor_.Hubs()[static_cast<std::size_t>(hub_of(one))].controller;
  };
  std::size_t restores = 1, identifies = 1, at_controller = 1, at_hub = 1;
  for (const auto& [task, other] : processes_.Running()) {
    if (other->site == process.site)
      Broken(fmt::format("{} is started while {} still works on port {}", process.task, task,
                         floor_.Sites()[static_cast<std::size_t>(process.site)].key.value));
    // What an earlier daemon started counts for it, and one that said its last word for nobody.
    if (other->last_word || other->daemon != process.daemon) continue;
    ++(other->identifies ? identifies : restores);
    if (other->identifies) continue;
    at_controller += controller_of(*other) == controller_of(process) ? 1 : 0;
    at_hub += hub_of(*other) == hub_of(process) ? 1 : 0;
  }
  if (!process.identifies && restores > limits_.restores)
    Broken(fmt::format("{} restores at once, {} are allowed", restores, limits_.restores));
  if (!process.identifies && at_controller > limits_.at_controller)
    Broken(fmt::format("{} restores at a controller, {} are allowed", at_controller,
                       limits_.at_controller));
  if (!process.identifies && at_hub > limits_.at_hub)
    Broken(fmt::format("{} restores at a hub, {} are allowed", at_hub, limits_.at_hub));
  if (process.identifies && identifies > limits_.identifies)
    Broken(fmt::format("{} phones are asked at once", identifies));
  if (process.identifies) return;
  first_start_.try_emplace(process.job.value, clock_.Time());
  const ledger::JobRow* row = ledger_.Find(process.job);
  if (row == nullptr) Broken(process.task + " is started before its row is on disk");
  if (row != nullptr && row->ended.value != 0 && !row->began.value)
    Broken(process.task + " is started after its end");
}

// Empty when it may.
std::string Watch::MayWrite(const Process& process, const Phone& phone) const {
  if (phone.ecid != process.ecid)
    return fmt::format("{} writes to {}, its job is for {}", process.task, ToString(phone.ecid),
                       ToString(process.ecid));
  if (never_wipe_.contains(phone.ecid)) return ToString(phone.ecid) + " is never to be wiped";
  if (emergency_stop_ && clock_.Time() - *emergency_stop_ > kStopReachesAll)
    return process.task + " begins to write after the emergency stop";
  const ledger::JobRow* job = ledger_.Find(process.job);
  if (job == nullptr) return process.task + " writes without a row in the ledger";
  if (by_hand_.contains(process.job.value)) return {};
  const auto found = permissions_.find(job->arming_id);
  if (found == permissions_.end()) return process.task + " writes, and nobody armed it";
  const Permission& permission = found->second;
  const auto& sites = floor_.Sites();
  const bool named =
      std::ranges::count(permission.ports, sites[static_cast<std::size_t>(process.site)].key) > 0 ||
      std::ranges::count(permission.ecids, phone.ecid) > 0 ||
      std::ranges::count(permission.serial_numbers, phone.serial_number) > 0;
  if (!named) return process.task + " writes to what its arming does not name";
  if (const auto gone = let_go_.find(phone.ecid);
      gone != let_go_.end() && first_start_.at(process.job.value) > gone->second)
    return process.task + " was begun after its phone was disarmed";
  if (phone.flash == Flash::kAsItCame && !permission.written.contains(phone.ecid) &&
      daemon::ToUnixMillis(clock_.Wall()).value >= permission.expires)
    return process.task + " writes after its arming expired";
  if (!permission.written.contains(phone.ecid) &&
      static_cast<int>(permission.written.size()) >= permission.count)
    return process.task + " is one more than was armed";
  return {};
}

void Watch::OnWrite(const Process& process, const Phone& phone) {
  if (const std::string why = MayWrite(process, phone); !why.empty()) return Broken(why);
  const ledger::JobRow* job = ledger_.Find(process.job);
  if (const auto found = permissions_.find(job->arming_id); found != permissions_.end())
    found->second.written.insert(phone.ecid);
}

void Watch::OnPort(const daemon::PortView& port) {
  Shown& shown = shown_[port.key];
  if (shown.state != port.state || shown.job != port.job || shown.outcome != port.outcome) {
    Hash(static_cast<std::uint64_t>(clock_.Time().count()));
    Hash(std::hash<std::string>()(port.key.value));
    Hash(static_cast<std::uint64_t>(port.state) << 8 | static_cast<std::uint64_t>(port.outcome));
    Hash(static_cast<std::uint64_t>(port.job.value));
  }
  with_job_ += HasJob(port.state) ? 1 : 0;
  with_job_ -= HasJob(shown.state) ? 1 : 0;
  shown = {port.state, port.job, port.outcome};
  changed_.insert(port.key);
}

void Watch::OnJobEnded(const ledger::JobRow& job) {
  if (job.outcome == Outcome::kNone)
    Broken("job " + std::to_string(job.id.value) + " ends without an outcome");
  on_job_ended(job);
}

void Watch::ComparePort(const PortKey& key, const Shown& shown) {
  const ledger::JobRow* job = shown.job.value == 0 ? nullptr : ledger_.Find(shown.job);
  if (HasJob(shown.state)) {
    if (job == nullptr)
      return Broken("port " + key.value + " shows a job the ledger does not know");
    if (job->ended.value != 0)
      return Broken(fmt::format("port {} is {}, the ledger has an end of job {}", key.value,
                                Name(shown.state), job->id.value));
    if (job->port != key) return Broken("port " + key.value + " shows another port's job");
  }
  if (IsResult(shown.state) && job != nullptr && job->ended.value == 0)
    return Broken(fmt::format("port {} is {}, job {} has no end in the ledger", key.value,
                              Name(shown.state), job->id.value));
  if (IsResult(shown.state) && job != nullptr && job->outcome != shown.outcome)
    return Broken(fmt::format("port {} shows {}, the ledger says {}", key.value,
                              Name(shown.outcome), Name(job->outcome)));
}

void Watch::Compare() {
  if (changed_.empty() || !ledger_.Idle()) return;
  for (const PortKey& key : changed_) ComparePort(key, shown_[key]);
  changed_.clear();
  if (with_job_ != ledger_.OpenJobs())
    Broken(
        fmt::format("{} jobs are open in the ledger, {} at ports", ledger_.OpenJobs(), with_job_));
}

}  // namespace station::simulation
