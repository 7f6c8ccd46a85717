#pragma once
// What an error code means for the job: its outcome, and whether the job tries again. From the code
// alone.

#include "station/base/enums.h"
#include "station/base/error_code.h"

namespace station::scheduler {

// Which outcome a job that ended with `code` has. kNone stands for success: kRestored.
[[nodiscard]] Outcome OutcomeOf(ErrorCode code);

// How often a job begins anew by itself after `code`, from the mode in which the phone is then
// found.
[[nodiscard]] int AutomaticRetries(ErrorCode code);

// `attempt` counts from 1: the one that just failed.
[[nodiscard]] inline bool TriesAgain(ErrorCode code, int attempt) {
  return attempt <= AutomaticRetries(code);
}

}  // namespace station::scheduler
