#pragma once
// What an error code means for the job: its outcome, and whether the job tries again. From the code
// alone.

#include <cstdint>

#include "station/base/enums.h"
#include "station/base/error_code.h"

namespace station::scheduler {

// Which outcome a job that ended with `code` has. kNone stands for success: kRestored.
[[nodiscard]] Outcome OutcomeOf(ErrorCode code);

// Whether such a job can go on once somebody has done something at the phone, and what the port
// must then show.
enum class Hands : std::uint8_t {
  kNone,
  kIntoRecovery,  // recovery or DFU mode, which its system does not enter by itself
  kBackOnTheBus,  // anything, and it may be there by now: it was late
  kBackToLife,    // anything from now on: it vanished again and again, or hangs
};
[[nodiscard]] Hands HandsFor(ErrorCode code);

// How often a job begins anew by itself after `code`, from the mode in which the phone is then
// found.
[[nodiscard]] int AutomaticRetries(ErrorCode code);

// `attempt` counts from 1: the one that just failed.
[[nodiscard]] inline bool TriesAgain(ErrorCode code, int attempt) {
  return attempt <= AutomaticRetries(code);
}

}  // namespace station::scheduler
