#include "tests/simulation/scenario.h"

#include <fmt/format.h>

#include <algorithm>

namespace station::simulation {
namespace {

using namespace std::chrono_literals;

constexpr int kDeepest = 3;  // hubs above one another

struct Place {
  int hub = 0;
  std::vector<std::uint8_t> chain;
  int next = 1;   // its next free port
  int ports = 0;  // it has
  int depth = 0;
};

// Controllers, hubs on them and on one another, and as many ports.
void BuildSites(Floor& floor, Random& random, int ports) {
  std::vector<Place> places;
  const int controllers = 1 + ports / 120 + random.Between(0, 1);
  for (int controller = 0; controller < controllers; ++controller)
    places.push_back(
        {floor.AddHub({kNone, controller, true, random.Number(400e6, 800e6)}), {}, 1, 250, 0});
  while (static_cast<int>(floor.Sites().size()) < ports) {
    Place& parent = places[random.Below(places.size())];
    if (parent.next > parent.ports || parent.depth >= kDeepest) continue;
    Place hub{0, parent.chain, 1, random.Of(std::vector<int>{4, 7, 10}), parent.depth + 1};
    hub.chain.push_back(static_cast<std::uint8_t>(parent.next++));
    const int controller = floor.Hubs()[static_cast<std::size_t>(parent.hub)].controller;
    hub.hub = floor.AddHub({parent.hub, controller, true, random.Number(200e6, 450e6)});
    const int left = ports - static_cast<int>(floor.Sites().size());
    const bool for_hubs = hub.depth < kDeepest && random.Chance(0.3);
    const int used = std::min(left, for_hubs ? hub.ports / 2 : hub.ports);
    for (; hub.next <= used; ++hub.next) {
      PortPath path{static_cast<std::uint8_t>(controller + 1), hub.chain};
      path.chain.push_back(static_cast<std::uint8_t>(hub.next));
      floor.AddSite(hub.hub, path);
    }
    places.push_back(hub);
  }
}

Pace MakePace(Random& random, double bytes) {
  Pace pace;
  pace.ask = random.Time(500ms, 1500ms);
  pace.gate = random.Time(1s, 3s);
  pace.sign = random.Time(500ms, 4s);
  pace.leave = random.Time(500ms, 3s);
  pace.into_recovery = random.Time(4s, 9s);
  pace.upload = random.Time(4s, 8s);
  pace.into_restore = random.Time(12s, 25s);
  pace.bytes = bytes * random.Number(0.98, 1.02);
  pace.flash = random.Time(45s, 80s);
  pace.into_system = random.Time(15s, 30s);
  return pace;
}

int AddPhone(Floor& floor, Scenario& scenario, Random& random, double bytes) {
  const int number = static_cast<int>(floor.Phones().size());
  Phone phone;
  phone.ecid = phone.says = {0x1000000000000ULL + static_cast<std::uint64_t>(number) * 0x1001};
  phone.udid = fmt::format("{:040x}", phone.ecid.value);
  phone.serial_number = fmt::format("F2L{:06d}", number);
  phone.product = "iPhone10,1";
  phone.bytes_per_second = random.Number(26e6, 38e6);
  phone.mode = random.Chance(0.05) ? PhoneMode::kRecovery : PhoneMode::kNormal;
  scenario.paces.push_back(MakePace(random, bytes));
  scenario.homes.push_back(kNone);
  return floor.AddPhone(std::move(phone));
}

struct Likely {
  Fault fault;
  bool at_step;  // of the phone's job; else at a time after the arming
  int weight;
};
constexpr auto kLikely = std::to_array<Likely>({
    {Fault::kUnplugged, true, 6},
    {Fault::kUnplugged, false, 4},
    {Fault::kTakenAway, true, 2},
    {Fault::kTakenAway, false, 1},
    {Fault::kReplaced, true, 2},
    {Fault::kReplaced, false, 1},
    {Fault::kTwoSwapped, true, 2},
    {Fault::kTwoSwapped, false, 1},
    {Fault::kMoved, true, 2},
    {Fault::kMoved, false, 1},
    {Fault::kHubPower, true, 2},
    {Fault::kHubPower, false, 2},
    {Fault::kWorkerKilled, true, 4},
    {Fault::kWorkerHangs, true, 2},
    {Fault::kDaemonCrash, true, 3},
    {Fault::kDaemonCrash, false, 3},
    {Fault::kMuxCrash, true, 2},
    {Fault::kMuxCrash, false, 1},
    {Fault::kSigningBusy, true, 2},
    {Fault::kSigningRefused, true, 1},
    {Fault::kCancelled, true, 2},
    {Fault::kCancelled, false, 2},
    {Fault::kDisarmed, true, 1},
    {Fault::kDisarmed, false, 1},
    {Fault::kEmergencyStop, true, 1},
    {Fault::kEmergencyStop, false, 1},
    {Fault::kRefusesRecovery, false, 3},
    {Fault::kSaysItIsAnother, false, 2},
});
constexpr auto kSteps =
    std::to_array({Step::kIdentify, Step::kGate, Step::kSign, Step::kEnterRecovery,
                   Step::kBootRestoreOs, Step::kStream, Step::kFlash, Step::kConfirm});

Planned Plan(const Scenario& scenario, Random& random) {
  int all = 0;
  for (const Likely& one : kLikely) all += one.weight;
  int drawn = random.Between(0, all - 1);
  const Likely* likely = kLikely.begin();
  while (drawn >= likely->weight) drawn -= (likely++)->weight;
  Planned planned{likely->fault, random.Of(scenario.charges)};
  if (likely->at_step) {
    planned.step = kSteps[random.Below(kSteps.size())];
    planned.after = planned.step == Step::kStream  ? random.Time(0ms, 150s)
                    : planned.step == Step::kFlash ? random.Time(0ms, 50s)
                                                   : random.Time(0ms, 5s);
  } else {
    const auto waves = static_cast<std::int64_t>(
        scenario.charges.size() / std::max<std::size_t>(scenario.settings.concurrency, 1) + 1);
    planned.after = random.Time(0ms, 300s * waves);
  }
  return planned;
}

}  // namespace

Scenario MakeScenario(const RunOptions& options, Floor& floor, Random& random) {
  Scenario scenario;
  const int ports = options.ports > 0 ? options.ports : random.Between(30, 200);
  BuildSites(floor, random, ports);
  scenario.settings.concurrency = random.Of(std::vector<std::size_t>{4, 8, 8, 12, 16, 24});
  scenario.settings.identify_at_once = random.Of(std::vector<std::size_t>{2, 4, 8});
  scenario.countdown = std::chrono::seconds(random.Of(std::vector<int>{0, 3, 10, 10, 30}));
  scenario.capacity.push_back(random.Number(500e6, 1200e6));
  for (const Hub& hub : floor.Hubs()) scenario.capacity.push_back(hub.bytes_per_second);
  scenario.arm_by = random.Of(
      std::vector<ArmBy>{ArmBy::kPorts, ArmBy::kPorts, ArmBy::kEcids, ArmBy::kSerialNumbers});
  scenario.batches = random.Between(1, 3);
  scenario.plugged_within = random.Of(std::vector<Millis>{0ms, 2s, 60s});
  const double bytes = random.Number(3e9, 7e9);
  const double protected_share = options.faults && random.Chance(0.3) ? 0.05 : 0;
  for (int site = 0; site < ports; ++site) {
    const double share = random.Share();
    if (ports > 1 && share < 0.04) {
      scenario.free_sites.push_back(site);
      continue;
    }
    const int phone = AddPhone(floor, scenario, random, bytes);
    scenario.homes[static_cast<std::size_t>(phone)] = site;
    if (ports > 1 && share < 0.07) {
      scenario.bystanders.push_back(phone);
    } else if (random.Chance(protected_share)) {
      scenario.protected_ones.push_back(phone);
      scenario.settings.never_wipe.ecids.push_back(floor.PhoneAt(phone).ecid);
    } else {
      scenario.charges.push_back(phone);
    }
  }
  // Apart, so that they change nothing else of a seed.
  Random budgets(~options.seed);
  scenario.settings.budgets.controller_endpoints =
      scenario.settings.budgets.phone_endpoints *
      budgets.Of(std::vector<std::uint64_t>{24, 24, 12, 6});
  scenario.settings.budgets.hub_phones = budgets.Of(std::vector<std::uint64_t>{16, 16, 4, 3});
  if (!options.faults || scenario.charges.empty()) return scenario;
  const int faults = random.Between(1, 2 + static_cast<int>(scenario.charges.size()) / 8);
  for (int i = 0; i < faults; ++i) scenario.plan.push_back(Plan(scenario, random));
  for (int i = 0; i < faults; ++i)
    scenario.spares.push_back(AddPhone(floor, scenario, random, bytes));
  return scenario;
}

}  // namespace station::simulation
