#pragma once
// What may go wrong in a run, when it strikes, and how a phone it struck may end: one table.

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "station/base/enums.h"
#include "tests/simulation/random.h"

namespace station::simulation {

enum class Fault : std::uint8_t {
  kUnplugged,        // and plugged back in
  kTakenAway,        // for good
  kReplaced,         // another phone on its port, for good
  kTwoSwapped,       // each on the other's port
  kMoved,            // to a free port
  kSaysItIsAnother,  // in normal mode
  kHubPower,         // gone for a while
  kWorkerKilled,     // SIGKILL
  kWorkerHangs,      // once
  kDaemonCrash,      // and back
  kMuxCrash,         // and back
  kSigningBusy,      // once
  kSigningRefused,   // for good
  kRefusesRecovery,  // somebody presses its buttons
  kCancelled,        // by an operator
  kDisarmed,
  kEmergencyStop,  // and released
  kImpersonated,   // another phone says it is this one
};
inline constexpr std::size_t kFaultCount = 18;
[[nodiscard]] std::string_view Name(Fault fault);

// How far the phone's job was when it struck.
enum class Phase : std::uint8_t {
  kNoJob,      // not armed yet, or counting down
  kQueued,     // a job that was not begun
  kUntouched,  // begun, nothing written
  kWritten,    // its data is gone, its new system is not there
  kWhole,      // its new system is there, its job has not ended
  kOver,
};
inline constexpr std::array kAllPhases = {Phase::kNoJob,   Phase::kQueued, Phase::kUntouched,
                                          Phase::kWritten, Phase::kWhole,  Phase::kOver};
[[nodiscard]] std::string_view Name(Phase phase);

struct Expectation {
  Fault fault;
  Phase phase;
  std::vector<Outcome> ends;  // of the job, before anybody does more about it
  bool mends;                 // an operator who puts things right and tries again restores it
};
// Nothing for what cannot be.
[[nodiscard]] const Expectation* Expected(Fault fault, Phase phase);

// One that is planned for a phone (or, of a hub, the daemon, the station: beginning with it).
struct Planned {
  Fault fault;
  int phone = 0;
  Step step = Step::kNone;  // when its job gets there; kNone: at a time after the arming
  Millis after{0};
  bool struck = false;
};

}  // namespace station::simulation
