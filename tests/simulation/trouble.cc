#include "tests/simulation/trouble.h"

#include <algorithm>

namespace station::simulation {
namespace {

using namespace std::chrono_literals;

// How long a job waits for a phone that does not come back: its worker, then somebody's hands.
constexpr Millis kWaitedFor = 10min;

}  // namespace

const std::vector<Trouble::Row> Trouble::kHandlers = {
    {Fault::kUnplugged, &Trouble::Unplug},
    {Fault::kTakenAway, &Trouble::TakeAway},
    {Fault::kReplaced, &Trouble::Replace},
    {Fault::kTwoSwapped, &Trouble::SwapTwo},
    {Fault::kMoved, &Trouble::Move},
    {Fault::kHubPower, &Trouble::CutHubPower},
    {Fault::kWorkerKilled, &Trouble::KillWorker},
    {Fault::kWorkerHangs, &Trouble::HangWorker},
    {Fault::kDaemonCrash, &Trouble::CrashDaemon},
    {Fault::kMuxCrash, &Trouble::CrashMux},
    {Fault::kSigningBusy, &Trouble::MakeSigningBusy},
    {Fault::kSigningRefused, &Trouble::RefuseSigning},
    {Fault::kCancelled, &Trouble::Cancel},
    {Fault::kDisarmed, &Trouble::Disarm},
    {Fault::kEmergencyStop, &Trouble::EmergencyStop},
};

void Trouble::Prepare() {
  for (Planned& planned : scenario_.plan) {
    Phone& phone = floor_.PhoneAt(planned.phone);
    if (planned.fault == Fault::kRefusesRecovery && phone.mode == PhoneMode::kNormal &&
        !phone.refuses_recovery) {
      phone.refuses_recovery = true;
      Mark(planned.fault, planned.phone);
    }
    if (planned.fault != Fault::kSaysItIsAnother || phone.says != phone.ecid) continue;
    const int other = random_.Of(scenario_.charges);
    const Phone& victim = floor_.PhoneAt(other);
    if (other == planned.phone || victim.says != victim.ecid || phone.mode != PhoneMode::kNormal)
      continue;
    if (!Of(planned.phone).empty() || !Of(other).empty()) continue;
    phone.says = victim.ecid;
    Mark(Fault::kSaysItIsAnother, planned.phone);
    Mark(Fault::kImpersonated, other);
  }
}

void Trouble::Begin() {
  for (Planned& planned : scenario_.plan)
    if (planned.step == Step::kNone)
      clock_.After(planned.after, [this, &planned] { Strike(planned); });
}

void Trouble::OnStep(const Process& process) {
  const int there = floor_.Visible(process.site);
  if (there == kNone) return;
  for (Planned& planned : scenario_.plan) {
    if (planned.struck || planned.phone != there || planned.step != process.step) continue;
    clock_.After(planned.after, [this, &planned] { Strike(planned); });
    return;
  }
}

void Trouble::Strike(Planned& planned) {
  const auto row = std::ranges::find(kHandlers, planned.fault, &Row::fault);
  if (planned.struck || stopped_ || row == kHandlers.end() || gone_.contains(planned.phone)) return;
  planned.struck = (this->*row->strike)(planned.phone);
  if (planned.struck) ++counts_[planned.fault];
}

void Trouble::Mark(Fault fault, int phone) {
  if (fault == Fault::kSaysItIsAnother || fault == Fault::kRefusesRecovery) ++counts_[fault];
  struck_[phone].push_back({fault, PhaseOf(phone)});
}

void Trouble::MarkAll(Fault fault) {
  for (const int phone : scenario_.charges)
    if (PhaseOf(phone) != Phase::kOver) Mark(fault, phone);
}

void Trouble::Later(Millis time, std::function<void()> call) {
  ++outstanding_;
  clock_.After(time, [this, call = std::move(call)] {
    call();
    --outstanding_;
  });
}

const std::vector<Struck>& Trouble::Of(int phone) const {
  static const std::vector<Struck> none;
  const auto found = struck_.find(phone);
  return found == struck_.end() ? none : found->second;
}

bool Trouble::HasDouble(int phone) const {
  return std::ranges::any_of(Of(phone), [](const Struck& one) {
    return one.fault == Fault::kImpersonated || one.fault == Fault::kSaysItIsAnother;
  });
}

const ledger::JobRow* Trouble::JobOf(int phone) const {
  const ledger::JobRow* last = nullptr;
  const Phone& its = floor_.PhoneAt(phone);
  const int home = scenario_.homes[static_cast<std::size_t>(phone)];
  // Two that say the same are told apart by their ports.
  const bool by_port = HasDouble(phone);
  const auto look = [&](Ecid ecid) {
    for (const ledger::JobRow* job : ledger_.JobsOf(ecid))
      if (!by_port || job->port == floor_.Sites()[static_cast<std::size_t>(home)].key)
        if (last == nullptr || last->id < job->id) last = job;
  };
  look(its.ecid);
  if (its.says != its.ecid) look(its.says);
  return last;
}

Phase Trouble::PhaseOf(int phone) const {
  const ledger::JobRow* job = JobOf(phone);
  if (job == nullptr) return Phase::kNoJob;
  if (job->ended.value != 0) return Phase::kOver;
  if (floor_.PhoneAt(phone).flash == Flash::kRestored) return Phase::kWhole;
  if (floor_.PhoneAt(phone).flash == Flash::kDestroyed) return Phase::kWritten;
  const int site = floor_.SiteOf(job->port);
  const bool begun = job->began.value != 0 || processes_.OfSite(site) != nullptr;
  return begun ? Phase::kUntouched : Phase::kQueued;
}

// ---- hands and power

void Trouble::Give(int phone, int site) {
  if (floor_.Sites()[static_cast<std::size_t>(site)].phone == kNone) floor_.Plug(phone, site);
}

Millis Trouble::Away(int phone, Millis time) {
  away_[phone] += time;
  return time;
}

Millis Trouble::LongestAway() const {
  Millis longest{0};
  for (const auto& [phone, time] : away_) longest = std::max(longest, time);
  return longest;
}

bool Trouble::Unplug(int phone) {
  const int site = floor_.PhoneAt(phone).site;
  if (site == kNone) return false;
  Mark(Fault::kUnplugged, phone);
  floor_.Unplug(phone);
  Later(Away(phone, random_.Time(200ms, 90s)), [this, phone, site] { Give(phone, site); });
  return true;
}

bool Trouble::TakeAway(int phone) {
  if (floor_.PhoneAt(phone).site == kNone) return false;
  Mark(Fault::kTakenAway, phone);
  Away(phone, kWaitedFor);
  gone_.insert(phone);
  floor_.Unplug(phone);
  return true;
}

bool Trouble::Replace(int phone) {
  const int site = floor_.PhoneAt(phone).site;
  if (site == kNone || scenario_.spares.empty() || HasDouble(phone)) return false;
  const int spare = scenario_.spares.back();
  scenario_.spares.pop_back();
  Mark(Fault::kReplaced, phone);
  Away(phone, kWaitedFor);
  gone_.insert(phone);
  floor_.Unplug(phone);
  Later(random_.Time(200ms, 20s), [this, spare, site] { Give(spare, site); });
  return true;
}

bool Trouble::SwapTwo(int phone) {
  const int other = random_.Of(scenario_.charges);
  const int site = floor_.PhoneAt(phone).site;
  const int other_site = floor_.PhoneAt(other).site;
  if (HasDouble(phone) || HasDouble(other)) return false;
  if (other == phone || site == kNone || other_site == kNone || gone_.contains(other)) return false;
  Mark(Fault::kTwoSwapped, phone);
  Mark(Fault::kTwoSwapped, other);
  Away(phone, kWaitedFor);
  floor_.Unplug(phone);
  floor_.Unplug(other);
  Later(random_.Time(1s, 10s), [this, phone, other_site] { Give(phone, other_site); });
  Later(random_.Time(1s, 20s), [this, other, site] { Give(other, site); });
  return true;
}

bool Trouble::Move(int phone) {
  if (floor_.PhoneAt(phone).site == kNone || scenario_.free_sites.empty() || HasDouble(phone))
    return false;
  const int site = scenario_.free_sites.back();
  scenario_.free_sites.pop_back();
  Mark(Fault::kMoved, phone);
  Away(phone, kWaitedFor);
  floor_.Unplug(phone);
  Later(random_.Time(1s, 20s), [this, phone, site] { Give(phone, site); });
  return true;
}

bool Trouble::CutHubPower(int phone) {
  const int site = floor_.PhoneAt(phone).site;
  if (site == kNone) return false;
  std::vector<int> above = floor_.HubsAbove(site);
  above.pop_back();  // not the controller
  if (above.empty()) return false;
  const int hub = random_.Of(above);
  if (!floor_.Powered(hub)) return false;
  for (const int other : scenario_.charges)
    if (floor_.PhoneAt(other).site != kNone && floor_.Below(floor_.PhoneAt(other).site, hub))
      Mark(Fault::kHubPower, other);
  floor_.SetPower(hub, false);
  Later(Away(phone, random_.Time(300ms, 60s)), [this, hub] { floor_.SetPower(hub, true); });
  return true;
}

// ---- processes

bool Trouble::KillWorker(int phone) {
  const int site = floor_.PhoneAt(phone).site;
  const Process* process = site == kNone ? nullptr : processes_.OfSite(site);
  if (process == nullptr || process->last_word || process->ecid != floor_.PhoneAt(phone).ecid)
    return false;
  Mark(Fault::kWorkerKilled, phone);
  processes_.Die(process->task);
  return true;
}

bool Trouble::HangWorker(int phone) {
  const int site = floor_.PhoneAt(phone).site;
  const Process* process = site == kNone ? nullptr : processes_.OfSite(site);
  if (process == nullptr || process->last_word || process->ecid != floor_.PhoneAt(phone).ecid)
    return false;
  Mark(Fault::kWorkerHangs, phone);
  processes_.Hang(process->task);
  return true;
}

bool Trouble::CrashDaemon(int) {
  if (!station_.Up()) return false;
  MarkAll(Fault::kDaemonCrash);
  station_.Crash();
  const Millis down = random_.Time(100ms, 30s);
  outage_ += down;
  Later(down, [this] {
    station_.Start();
    operators_.AskAgain();
  });
  return true;
}

bool Trouble::CrashMux(int) {
  if (!station_.MuxUp()) return false;
  MarkAll(Fault::kMuxCrash);
  station_.SetMux(false);
  Later(random_.Time(1s, 20s), [this] { station_.SetMux(true); });
  return true;
}

// ---- the signing server

bool Trouble::MakeSigningBusy(int phone) { return busy_.insert(phone).second; }
bool Trouble::RefuseSigning(int phone) { return refused_.insert(phone).second; }

ErrorCode Trouble::Sign(const Process& process) {
  const int phone = floor_.Visible(process.site);
  if (phone == kNone) return ErrorCode::kNone;
  if (refused_.contains(phone)) {
    Mark(Fault::kSigningRefused, phone);
    return ErrorCode::kSigningRefused;
  }
  if (busy_.erase(phone) == 0) return ErrorCode::kNone;
  Mark(Fault::kSigningBusy, phone);
  return ErrorCode::kSigningBusy;
}

// ---- operators

bool Trouble::ShowsIts(int phone, std::set<PortState> states) {
  const int site = floor_.PhoneAt(phone).site;
  if (site == kNone || !station_.Up()) return false;
  const auto view =
      station_.Cart().FindPort(floor_.Sites()[static_cast<std::size_t>(site)].key.value);
  return view && states.contains(view->state) && view->phone.ecid == floor_.PhoneAt(phone).ecid;
}

bool Trouble::Cancel(int phone) {
  if (!ShowsIts(phone, {PortState::kArmed, PortState::kQueued, PortState::kWorking})) return false;
  Mark(Fault::kCancelled, phone);
  operators_.Cancel(floor_.PhoneAt(phone).site);
  return true;
}

bool Trouble::Disarm(int phone) {
  if (!ShowsIts(phone, {PortState::kArmed, PortState::kQueued, PortState::kWorking})) return false;
  Mark(Fault::kDisarmed, phone);
  operators_.Disarm(floor_.PhoneAt(phone).site);
  return true;
}

bool Trouble::EmergencyStop(int) {
  if (!station_.Up() || emergency_) return false;
  emergency_ = true;
  MarkAll(Fault::kEmergencyStop);
  operators_.EmergencyStop(true);
  const Millis on = random_.Time(10s, 200s);
  outage_ += on;
  Later(on, [this] {
    emergency_ = false;
    operators_.EmergencyStop(false);
  });
  return true;
}

// Somebody sees what the port asks for and presses the buttons.
void Trouble::OnExit(const Process& process) {
  if (!process.last_word || process.last_word->error != ErrorCode::kEnterRecoveryRefused) return;
  const int phone = floor_.Visible(process.site);
  if (phone == kNone) return;
  Later(Away(phone, random_.Time(20s, 200s)), [this, phone] {
    if (floor_.PhoneAt(phone).mode == PhoneMode::kNormal)
      floor_.Reboot(phone, 1s, 10s, PhoneMode::kRecovery);
  });
}

}  // namespace station::simulation
