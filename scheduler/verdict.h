#pragma once
// What an error code means for the job: its outcome, and whether somebody at the phone can help.
// From the code alone; whether the job tries again is ladder.h.

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

}  // namespace station::scheduler
