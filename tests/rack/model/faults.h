#pragma once
// What can be made to go wrong with one phone, switched while the rack runs.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "station/base/result.h"
#include "tests/rack/model/fault_line.h"
#include "tests/rack/model/phone_state.h"

namespace rack {

// What happens at a step of a restore instead of the step; once.
struct StepFault {
  enum class Kind { kFail, kSilent, kClose } kind = Kind::kFail;
  std::string step;
  std::int64_t status = 0;  // kFail: of StatusMsg
};

struct PhoneFaults {
  std::optional<std::uint64_t> unplug_at_byte;  // of the ASR stream; once
  std::string unplug_at_step;  // of a restore, or "flash": while boot firmware is written; once
  std::optional<std::chrono::seconds> replug_after;  // goes with either
  std::optional<StepFault> at_step;
  std::string hold_at_step;    // waits there for as long as this names that step
  std::string corrupt_upload;  // component, four-cc or "any": one bit flips; once
  std::string refuse_send;     // as corrupt_upload: its transfer stalls; once
  std::optional<std::chrono::seconds> late_reattach;  // after the next change of mode; once
  bool wedged = false;       // no upload goes through until the phone's port was without power
  bool stale_nonce = false;  // the nonce in force is not the one shown
  bool refuse_enter_recovery = false;
  bool stall_asr = false;      // stops reading in mid-stream, for ever; once
  bool refuse_asr = false;     // nothing listens for the OS image; once
  bool panic_at_boot = false;  // of the restore system's kernel; once
  bool false_success = false;  // the restore says it succeeded, its system does not start; once
  std::string updater_loop;    // this updater is asked for once more than is needed...
  int updater_rounds = 0;      // ...so many times
};

[[nodiscard]] std::vector<FaultLine> PhoneFaultLines();

// One fault as the command line gives it: {"unplug-at-byte", "1000000"}; {"none"} clears all.
// Some change what the phone is (battery, lock) instead. kBadRequest otherwise.
[[nodiscard]] station::Status ApplyFault(PhoneFaults& faults, PhoneState& state,
                                         const std::vector<std::string>& words);

}  // namespace rack
