#include "tests/simulation/faults.h"

#include <algorithm>

namespace station::simulation {
namespace {

using enum Outcome;
using F = Fault;
using P = Phase;

struct NamedFault {
  Fault fault;
  std::string_view name;
};
constexpr auto kNames = std::to_array<NamedFault>({
    {F::kUnplugged, "unplugged"},
    {F::kTakenAway, "taken_away"},
    {F::kReplaced, "replaced"},
    {F::kTwoSwapped, "two_swapped"},
    {F::kMoved, "moved"},
    {F::kSaysItIsAnother, "says_it_is_another"},
    {F::kHubPower, "hub_power"},
    {F::kWorkerKilled, "worker_killed"},
    {F::kWorkerHangs, "worker_hangs"},
    {F::kDaemonCrash, "daemon_crash"},
    {F::kMuxCrash, "mux_crash"},
    {F::kSigningBusy, "signing_busy"},
    {F::kSigningRefused, "signing_refused"},
    {F::kRefusesRecovery, "refuses_recovery"},
    {F::kCancelled, "cancelled"},
    {F::kDisarmed, "disarmed"},
    {F::kEmergencyStop, "emergency_stop"},
    {F::kImpersonated, "impersonated"},
});
static_assert(kNames.size() == kFaultCount);

// Outcome::kNone: no job was made. A phone that is away for longer than a re-enumeration loses a
// job that was not begun; one that was begun waits for it.
const std::vector<Expectation>& Table() {
  static const std::vector<Expectation> table = {
      {F::kUnplugged, P::kNoJob, {kRestored}, true},
      {F::kUnplugged, P::kQueued, {kRestored, kNeedsCableOrPort}, true},
      {F::kUnplugged, P::kUntouched, {kRestored}, true},
      {F::kUnplugged, P::kWritten, {kRestored}, true},
      {F::kUnplugged, P::kWhole, {kRestored}, true},
      {F::kUnplugged, P::kOver, {kRestored}, true},

      {F::kTakenAway, P::kNoJob, {Outcome::kNone}, false},
      // Its slot may come in the moment it leaves: then a worker looks for it.
      {F::kTakenAway, P::kQueued, {kNeedsCableOrPort, kNoSignOfLife}, false},
      {F::kTakenAway, P::kUntouched, {kNoSignOfLife}, false},
      {F::kTakenAway, P::kWritten, {kNoSignOfLife}, false},
      {F::kTakenAway, P::kWhole, {kHeld}, false},  // not confirmed
      {F::kTakenAway, P::kOver, {kRestored}, true},

      // The phone that was replaced; the other one is nobody's concern unless its port is armed.
      {F::kReplaced, P::kNoJob, {Outcome::kNone}, false},
      {F::kReplaced, P::kQueued, {kNeedsCableOrPort, kHeld}, false},
      {F::kReplaced, P::kUntouched, {kHeld, kNoSignOfLife}, false},
      {F::kReplaced, P::kWritten, {kHeld, kNoSignOfLife}, false},
      {F::kReplaced, P::kWhole, {kHeld}, false},
      {F::kReplaced, P::kOver, {kRestored}, true},

      // On the other's port it may be armed as well, and restored there first.
      {F::kTwoSwapped, P::kNoJob, {kRestored}, true},
      {F::kTwoSwapped, P::kQueued, {kNeedsCableOrPort, kHeld, kRestored}, true},
      {F::kTwoSwapped, P::kUntouched, {kHeld, kNoSignOfLife, kRestored}, true},
      {F::kTwoSwapped, P::kWritten, {kHeld, kNoSignOfLife, kRestored}, true},
      {F::kTwoSwapped, P::kWhole, {kHeld}, true},
      {F::kTwoSwapped, P::kOver, {kRestored}, true},

      {F::kMoved, P::kNoJob, {kRestored, Outcome::kNone}, true},
      {F::kMoved, P::kQueued, {kNeedsCableOrPort}, true},
      {F::kMoved, P::kUntouched, {kNoSignOfLife}, true},
      {F::kMoved, P::kWritten, {kNoSignOfLife}, true},
      {F::kMoved, P::kWhole, {kHeld}, true},
      {F::kMoved, P::kOver, {kRestored}, true},

      {F::kSaysItIsAnother, P::kNoJob, {kHeld, Outcome::kNone}, false},

      {F::kHubPower, P::kNoJob, {kRestored}, true},
      {F::kHubPower, P::kQueued, {kRestored, kNeedsCableOrPort}, true},
      {F::kHubPower, P::kUntouched, {kRestored}, true},
      {F::kHubPower, P::kWritten, {kRestored}, true},
      {F::kHubPower, P::kWhole, {kRestored}, true},
      {F::kHubPower, P::kOver, {kRestored}, true},

      {F::kWorkerKilled, P::kUntouched, {kIndeterminate, kRestored}, true},
      {F::kWorkerKilled, P::kWritten, {kIndeterminate, kRestored}, true},
      {F::kWorkerKilled, P::kWhole, {kIndeterminate, kRestored}, true},

      {F::kWorkerHangs, P::kUntouched, {kRestored}, true},
      {F::kWorkerHangs, P::kWritten, {kRestored}, true},
      {F::kWorkerHangs, P::kWhole, {kRestored}, true},

      // Who had not got its orders yet has none: what it did is not known.
      {F::kDaemonCrash, P::kNoJob, {kRestored}, true},
      {F::kDaemonCrash, P::kQueued, {kRestored}, true},
      {F::kDaemonCrash, P::kUntouched, {kRestored, kIndeterminate}, true},
      {F::kDaemonCrash, P::kWritten, {kRestored}, true},
      {F::kDaemonCrash, P::kWhole, {kRestored}, true},
      {F::kDaemonCrash, P::kOver, {kRestored}, true},

      {F::kMuxCrash, P::kNoJob, {kRestored}, true},
      {F::kMuxCrash, P::kQueued, {kRestored}, true},
      {F::kMuxCrash, P::kUntouched, {kRestored}, true},
      {F::kMuxCrash, P::kWritten, {kRestored}, true},
      {F::kMuxCrash, P::kWhole, {kRestored}, true},
      {F::kMuxCrash, P::kOver, {kRestored}, true},

      {F::kSigningBusy, P::kUntouched, {kRestored}, true},
      {F::kSigningBusy, P::kWritten, {kRestored}, true},
      {F::kSigningRefused, P::kUntouched, {kNeedsFirmwareOrSigning}, false},
      {F::kSigningRefused, P::kWritten, {kNeedsFirmwareOrSigning}, false},
      {F::kRefusesRecovery, P::kNoJob, {kRestored}, true},

      // A stream goes on to its end; between two attempts a cancel is what it says.
      {F::kCancelled, P::kNoJob, {Outcome::kNone, kRestored}, false},
      {F::kCancelled, P::kQueued, {Outcome::kCancelled}, false},
      {F::kCancelled, P::kUntouched, {Outcome::kCancelled}, false},
      {F::kCancelled, P::kWritten, {kRestored, Outcome::kCancelled}, true},
      {F::kCancelled, P::kWhole, {kRestored}, true},
      {F::kCancelled, P::kOver, {kRestored}, true},

      {F::kDisarmed, P::kNoJob, {Outcome::kNone}, false},
      {F::kDisarmed, P::kQueued, {Outcome::kCancelled}, false},
      {F::kDisarmed, P::kUntouched, {kRestored}, true},
      {F::kDisarmed, P::kWritten, {kRestored}, true},
      {F::kDisarmed, P::kWhole, {kRestored}, true},
      {F::kDisarmed, P::kOver, {kRestored}, true},

      {F::kEmergencyStop, P::kNoJob, {kRestored}, true},
      {F::kEmergencyStop, P::kQueued, {kRestored}, true},
      {F::kEmergencyStop, P::kUntouched, {Outcome::kCancelled}, true},
      {F::kEmergencyStop, P::kWritten, {kRestored, Outcome::kCancelled}, true},
      {F::kEmergencyStop, P::kWhole, {kRestored}, true},
      {F::kEmergencyStop, P::kOver, {kRestored}, true},

      // Whichever of the two was asked first has the job.
      {F::kImpersonated, P::kNoJob, {kRestored, Outcome::kNone}, true},
  };
  return table;
}

}  // namespace

std::string_view Name(Fault fault) {
  const auto row = std::ranges::find(kNames, fault, &NamedFault::fault);
  return row != kNames.end() ? row->name : "unknown";
}

std::string_view Name(Phase phase) {
  switch (phase) {
    case P::kNoJob:
      return "no_job";
    case P::kQueued:
      return "queued";
    case P::kUntouched:
      return "untouched";
    case P::kWritten:
      return "written";
    case P::kWhole:
      return "whole";
    case P::kOver:
      return "over";
  }
  return "unknown";
}

const Expectation* Expected(Fault fault, Phase phase) {
  const auto row = std::ranges::find_if(
      Table(), [&](const Expectation& one) { return one.fault == fault && one.phase == phase; });
  return row != Table().end() ? &*row : nullptr;
}

}  // namespace station::simulation
