#pragma once
// What a seed makes: the room, how fast everything is, who is to be restored, and what will go
// wrong.

#include <cstdint>
#include <vector>

#include "station/daemon/cart/cart.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/floor.h"
#include "tests/simulation/pace.h"

namespace station::simulation {

struct RunOptions {
  std::uint64_t seed = 1;
  int ports = 0;  // 0: 30 to 200, by the seed
  bool faults = true;
  // Only to prove that the checks can fail.
  bool careless_worker = false;  // does not look whom it has before it
  std::size_t more_slots = 0;    // the cart lets in more than it was told to
  std::size_t more_at_hubs = 0;  // the same at each hub and controller
};

enum class ArmBy : std::uint8_t { kPorts, kEcids, kSerialNumbers };

struct Scenario {
  daemon::CartSettings settings;
  std::vector<double> capacity;     // bytes per second: the host, then each hub
  std::vector<Pace> paces;          // by phone
  std::vector<int> charges;         // phones that are to be restored; their home is their site
  std::vector<int> bystanders;      // plugged in, armed by nobody
  std::vector<int> protected_ones;  // armed with the others, on the never-wipe list
  std::vector<int> spares;          // in a drawer
  std::vector<int> free_sites;
  std::vector<int> homes;  // by phone
  ArmBy arm_by = ArmBy::kPorts;
  int batches = 1;
  Millis plugged_within{0};
  std::chrono::seconds countdown{10};
  std::vector<Planned> plan;
};

[[nodiscard]] Scenario MakeScenario(const RunOptions& options, Floor& floor, Random& random);

}  // namespace station::simulation
