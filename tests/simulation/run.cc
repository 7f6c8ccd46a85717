#include "tests/simulation/run.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/simulation/oracle.h"

namespace station::simulation {
namespace {

using namespace std::chrono_literals;

constexpr Millis kLongest = std::chrono::hours(20);  // in the cart's own time
constexpr int kMostHelp = 8;                         // for one phone

daemon::CartSettings WithMoreSlots(daemon::CartSettings settings, const RunOptions& options) {
  settings.concurrency += options.more_slots;
  settings.budgets.hub_phones += options.more_at_hubs;
  settings.budgets.controller_endpoints += options.more_at_hubs * settings.budgets.phone_endpoints;
  return settings;
}

Limits LimitsOf(const daemon::CartSettings& settings) {
  return {.restores = settings.concurrency,
          .identifies = settings.identify_at_once,
          .at_controller = settings.budgets.controller_endpoints / settings.budgets.phone_endpoints,
          .at_hub = settings.budgets.hub_phones};
}

bool IsResult(PortState state) { return state == PortState::kDone || state == PortState::kFailed; }

}  // namespace

Run::Run(const RunOptions& options, Stock& stock)
    : options_(options),
      random_(options.seed),
      floor_(clock_),
      scenario_(MakeScenario(options, floor_, random_)),
      wires_(clock_, scenario_.capacity),
      ledger_(clock_, random_),
      processes_(clock_, random_, floor_, wires_, scenario_.paces, hooks_),
      watch_(clock_, ledger_, processes_, floor_, LimitsOf(scenario_.settings)),
      station_(WithMoreSlots(scenario_.settings, options),
               {clock_, random_, floor_, ledger_, processes_, watch_, stock}),
      operators_(clock_, floor_, ledger_, station_, watch_),
      trouble_(clock_, random_, scenario_, floor_, ledger_, processes_, station_, operators_) {
  Connect();
}

void Run::Connect() {
  hooks_.careless = options_.careless_worker;
  hooks_.on_start = [this](const Process& process) { watch_.OnStart(process); };
  hooks_.on_write = [this](const Process& process, const Phone& phone) {
    watch_.OnWrite(process, phone);
  };
  hooks_.on_step = [this](const Process& process) { trouble_.OnStep(process); };
  hooks_.on_exit = [this](const Process& process) { OnExit(process); };
  hooks_.sign = [this](const Process& process) { return trouble_.Sign(process); };
  hooks_.mux_up = [this] { return station_.MuxUp(); };
  floor_.on_left = [this](int site, int) {
    processes_.OnLeft(site);
    station_.LookAtFloor();
  };
  floor_.on_came = [this](int site, int) {
    processes_.OnCame(site);
    station_.LookAtFloor();
  };
  ledger_.on_fault = [this](const std::string& what) { watch_.Broken(what); };
  watch_.on_job_ended = [this](const ledger::JobRow& job) { OnJobEnded(job); };
  for (const int phone : scenario_.protected_ones) watch_.Protect(floor_.PhoneAt(phone).ecid);
}

RunReport Run::Go() {
  trouble_.Prepare();
  PlugIn();
  station_.Start();
  clock_.After(scenario_.plugged_within + 3s, [this] { ArmWhenAllAreKnown(); });
  while (!over_ && !watch_.FirstBroken() && clock_.Next()) {
    clock_.RunNext();
    watch_.Compare();
    ++report_.events;
    if (clock_.Time() > kLongest) watch_.Broken("the cart does not come to rest:" + Unrest());
  }
  if (!watch_.FirstBroken()) Judge();
  report_.seed = options_.seed;
  report_.ports = floor_.Sites().size();
  report_.phones = scenario_.charges.size();
  report_.faults = options_.faults;
  report_.trace = watch_.Trace();
  report_.struck = trouble_.Counts();
  report_.broken = watch_.FirstBroken();
  return report_;
}

void Run::PlugIn() {
  for (std::size_t phone = 0; phone < scenario_.homes.size(); ++phone) {
    const int home = scenario_.homes[phone];
    if (home == kNone) continue;
    clock_.After(random_.Time(0ms, scenario_.plugged_within),
                 [this, phone, home] { floor_.Plug(static_cast<int>(phone), home); });
  }
}

void Run::ArmWhenAllAreKnown() {
  const std::vector<daemon::PortView> ports = station_.Cart().Ports();
  const bool known = std::ranges::all_of(
      ports, [](const daemon::PortView& port) { return port.state == PortState::kIdle; });
  if (!known) {
    clock_.After(500ms, [this] { ArmWhenAllAreKnown(); });
    return;
  }
  armed_at_ = last_end_ = clock_.Time();
  operators_.Arm(scenario_);
  trouble_.Begin();
  clock_.After(30s, [this] { LookAround(); });
}

// Nothing runs, waits or is asked any more.
bool Run::Quiet() {
  if (!station_.Up() || trouble_.Outstanding() || operators_.Waiting() ||
      !processes_.Running().empty())
    return false;
  return std::ranges::all_of(station_.Cart().Ports(), [](const daemon::PortView& port) {
    return port.state == PortState::kEmpty || port.state == PortState::kIdle ||
           port.state == PortState::kHeld || IsResult(port.state);
  });
}

std::string Run::Unrest() {
  std::string text;
  if (operators_.Waiting()) text += " an operator waits for an answer;";
  for (const auto& [task, process] : processes_.Running())
    text += fmt::format(" {} at {}{};", task, Name(process->step), process->hung ? ", hung" : "");
  if (!station_.Up()) return text;
  for (const daemon::PortView& port : station_.Cart().Ports())
    if (port.state != PortState::kEmpty && !IsResult(port.state) && port.state != PortState::kIdle)
      text += fmt::format(" {} {} job {} {};", port.label, Name(port.state), port.job.value,
                          Name(port.error));
  return text;
}

void Run::LookAround() {
  if (Quiet()) {
    EndFirstRound();
    bool helps = false;
    for (const int phone : scenario_.charges) helps = PutRight(phone) || helps;
    if (!helps) {
      over_ = true;
      return;
    }
  }
  clock_.After(20s, [this] { LookAround(); });
}

void Run::EndFirstRound() {
  if (std::exchange(second_round_, true)) return;
  trouble_.Stop();
  report_.makespan = last_end_ - armed_at_;
  report_.oracle = Oracle();
  for (const int phone : scenario_.charges) {
    const auto first = first_.try_emplace(phone, Outcome::kNone).first;
    ++report_.outcomes[first->second];
    JudgeFirst(phone, first->second);
  }
}

// Everything that struck it can be made good by hand.
bool Run::Mends(int phone) const {
  return std::ranges::all_of(trouble_.Of(phone), [](const Struck& struck) {
    const Expectation* expected = Expected(struck.fault, struck.phase);
    return expected != nullptr && expected->mends;
  });
}

// What somebody does about a phone that is not restored: puts it where it belongs, tries again,
// arms it anew. Whether there was anything to do.
bool Run::PutRight(int phone) {
  const ledger::JobRow* job = trouble_.JobOf(phone);
  const Phone& there = floor_.PhoneAt(phone);
  const bool well = job != nullptr && job->outcome == Outcome::kRestored;
  if (well || !Mends(phone) || ++helped_[phone] > kMostHelp) return false;
  const int home = scenario_.homes[static_cast<std::size_t>(phone)];
  // Two whose jobs are on one port would push each other out for ever.
  const bool at_its_job = job != nullptr && helped_[phone] < kMostHelp / 2;
  const int site = at_its_job ? floor_.SiteOf(job->port) : home;
  if (there.site != site) {
    if (const int other = floor_.Sites()[static_cast<std::size_t>(site)].phone; other != kNone)
      floor_.Unplug(other);
    floor_.Unplug(phone);
    clock_.After(5s, [this, phone, site] { floor_.Plug(phone, site); });
    return true;
  }
  const auto view =
      station_.Cart().FindPort(floor_.Sites()[static_cast<std::size_t>(site)].key.value);
  if (job != nullptr && job->began.value != 0 && view && view->job == job->id) {
    operators_.Retry(site, job->id);
  } else {
    watch_.ArmedAnew(there.ecid);
    operators_.ArmPort(site);
  }
  return true;
}

int Run::PhoneOf(Ecid ecid, const PortKey& port) const {
  const auto& phones = floor_.Phones();
  for (std::size_t i = 0; i < phones.size(); ++i) {
    if (phones[i].ecid != ecid && phones[i].says != ecid) continue;
    const int home = scenario_.homes[i];
    const bool at_home =
        home != kNone && floor_.Sites()[static_cast<std::size_t>(home)].key == port;
    if (phones[i].ecid != phones[i].says && !at_home) continue;  // a liar's jobs are at its port
    if (phones[i].ecid == phones[i].says && !at_home &&
        std::ranges::any_of(phones, [&](const Phone& other) {
          return other.ecid != other.says && other.says == ecid;
        }))
      continue;
    return static_cast<int>(i);
  }
  return kNone;
}

void Run::OnJobEnded(const ledger::JobRow& job) {
  if (second_round_) return;
  last_end_ = clock_.Time();
  const int phone = PhoneOf(job.phone.ecid, job.port);
  if (phone == kNone) return watch_.Broken("a job ends that is nobody's");
  first_.try_emplace(phone, job.outcome);
  if (job.outcome == Outcome::kRestored && floor_.PhoneAt(phone).flash != Flash::kRestored)
    watch_.Broken("job " + std::to_string(job.id.value) + " says restored, its phone is not");
}

void Run::OnExit(const Process& process) {
  trouble_.OnExit(process);
  if (process.identifies || (process.last_word && process.last_word->outcome == Outcome::kRestored))
    return;
  const int phone =
      PhoneOf(process.ecid, floor_.Sites()[static_cast<std::size_t>(process.site)].key);
  if (phone != kNone) lost_[phone] += clock_.Time() - process.started;
}

Millis Run::Oracle() const {
  std::vector<Load> loads;
  for (const auto& [phone, outcome] : first_) {
    if (outcome == Outcome::kNone) continue;
    const int home = scenario_.homes[static_cast<std::size_t>(phone)];
    Load load{home == kNone ? 0 : home, floor_.PhoneAt(phone).bytes_per_second,
              scenario_.paces[static_cast<std::size_t>(phone)]};
    if (outcome != Outcome::kRestored) load.pace = {0ms, 0ms, 0ms, 0ms, 0ms, 0ms, 0ms, 0, 0ms, 0ms};
    if (const auto lost = lost_.find(phone); lost != lost_.end()) load.lost = lost->second;
    loads.push_back(load);
  }
  return scenario_.countdown + trouble_.Outage() + trouble_.LongestAway() +
         BestMakespan(loads, floor_, scenario_.capacity, LimitsOf(scenario_.settings));
}

// ---- the end

std::string Run::Story(int phone) const {
  std::string story = "phone " + ToString(floor_.PhoneAt(phone).ecid) + ", struck by";
  for (const Struck& struck : trouble_.Of(phone))
    story += fmt::format(" {}({})", Name(struck.fault), Name(struck.phase));
  if (trouble_.Of(phone).empty()) story += " nothing";
  const ledger::JobRow* job = trouble_.JobOf(phone);
  if (job == nullptr) return story + ", without a job";
  const std::string refusal = operators_.Refusal(floor_.SiteOf(job->port));
  return story +
         fmt::format(", job {} attempt {} at {} ended {} {} {}", job->id.value, job->attempt,
                     Name(job->step), Name(job->outcome), Name(job->error), job->context) +
         (refusal.empty() ? "" : "; a retry was refused: " + refusal);
}

void Run::JudgeFirst(int phone, Outcome outcome) {
  const std::vector<Struck>& struck = trouble_.Of(phone);
  std::vector<Outcome> allowed;
  if (struck.empty()) allowed = {Outcome::kRestored};
  // Attempts are counted: several faults together may use them up.
  if (struck.size() > 1) allowed = {Outcome::kNeedsCableOrPort, Outcome::kNoSignOfLife};
  // What was over when the stop came may be tried again for the other fault's sake: not any more.
  const bool stopped = std::ranges::any_of(struck, [](const Struck& one) {
    return one.fault == Fault::kCancelled || one.fault == Fault::kEmergencyStop;
  });
  if (struck.size() > 1 && stopped) allowed.push_back(Outcome::kCancelled);
  for (const Struck& one : struck) {
    const Expectation* expected = Expected(one.fault, one.phase);
    if (expected == nullptr) return watch_.Broken("the table has no row for " + Story(phone));
    allowed.insert(allowed.end(), expected->ends.begin(), expected->ends.end());
  }
  if (std::ranges::find(allowed, outcome) == allowed.end())
    watch_.Broken(fmt::format("{} is not how this ends: {}", Name(outcome), Story(phone)));
}

void Run::JudgeFinal(int phone) {
  const ledger::JobRow* job = trouble_.JobOf(phone);
  const Outcome outcome = job == nullptr ? Outcome::kNone : job->outcome;
  ++report_.final_outcomes[outcome];
  const Flash flash = floor_.PhoneAt(phone).flash;
  if (Mends(phone) && (outcome != Outcome::kRestored || flash != Flash::kRestored))
    return watch_.Broken("not restored although everything was put right: " + Story(phone));
  if (outcome == Outcome::kRestored && flash != Flash::kRestored)
    return watch_.Broken("restored in the ledger alone: " + Story(phone));
  const bool asked_for = std::ranges::any_of(trouble_.Of(phone), [](const Struck& one) {
    return one.fault == Fault::kCancelled || one.fault == Fault::kEmergencyStop;
  });
  if (flash == Flash::kDestroyed &&
      (outcome == Outcome::kNone || (outcome == Outcome::kCancelled && !asked_for)))
    watch_.Broken("written to, and left without a word: " + Story(phone));
}

void Run::Judge() {
  for (const int phone : scenario_.charges) JudgeFinal(phone);
  for (const std::vector<int>* untouched : {&scenario_.bystanders, &scenario_.protected_ones})
    for (const int phone : *untouched)
      if (floor_.PhoneAt(phone).flash != Flash::kAsItCame)
        watch_.Broken("written to without leave: " + Story(phone));
  if (ledger_.OpenJobs() != 0) watch_.Broken("jobs are left without an end");
}

}  // namespace station::simulation
