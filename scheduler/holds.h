#pragma once
// Why an armed phone is not restored yet: one answer, asked again whenever something changes.

#include <optional>

#include "scheduler/arming.h"
#include "scheduler/never_wipe.h"
#include "station/base/error_code.h"

namespace station::scheduler {

// What the daemon found out about a phone an arming would take.
struct Circumstances {
  Match match = Match::kYes;
  Protection protection = Protection::kNone;
  bool ecid_known = true;
  bool product_known = true;              // in the catalogue
  ErrorCode firmware = ErrorCode::kNone;  // why there is none for it
  bool emergency_stop = false;
  bool draining = false;
  bool quarantined = false;  // its port
};

// Nothing when it may go ahead. What forbids comes before what is missing.
[[nodiscard]] inline std::optional<ErrorCode> HoldReason(const Circumstances& found) {
  if (found.protection != Protection::kNone)
    return found.protection == Protection::kListed ? ErrorCode::kNeverWipe
                                                   : ErrorCode::kPhoneIdentityUnreadable;
  if (found.match == Match::kUnknown || !found.ecid_known)
    return ErrorCode::kPhoneIdentityUnreadable;
  if (found.emergency_stop) return ErrorCode::kEmergencyStop;
  if (found.draining) return ErrorCode::kDraining;
  if (found.quarantined) return ErrorCode::kPortQuarantined;
  if (!found.product_known) return ErrorCode::kProductUnknown;
  if (found.firmware != ErrorCode::kNone) return found.firmware;
  return std::nullopt;
}

}  // namespace station::scheduler
