#pragma once
// The steps of a job as data, for everybody: what each needs, how long it may take, what it weighs,
// what it destroys, and what comes before it may be tried again. The worker runs them, the
// scheduler and the daemon count and time them.

#include <chrono>
#include <cstdint>
#include <map>
#include <span>

#include "station/base/enums.h"

namespace station {

// What must be at hand before a step begins; bits of StepSpec::needs.
enum class Need : unsigned {
  kNone = 0,
  kPhone = 1,     // the phone on its port, in any mode
  kMux = 2,       // usbmuxd
  kFirmware = 4,  // descriptors of the firmware
  kSigning = 8,   // the signing server
};
[[nodiscard]] constexpr unsigned operator|(Need a, Need b) {
  return static_cast<unsigned>(a) | static_cast<unsigned>(b);
}
[[nodiscard]] constexpr unsigned operator|(unsigned a, Need b) {
  return a | static_cast<unsigned>(b);
}
[[nodiscard]] constexpr bool Has(unsigned needs, Need need) {
  return (needs & static_cast<unsigned>(need)) != 0;
}

// What an attempt that failed in this step leaves to be done before the next one. Every attempt
// begins by finding out who is on the port and in which mode, and takes the way from there.
enum class BeforeRetry : std::uint8_t {
  kNothing,           // the phone was only asked
  kAwaitPhone,        // it may be between two modes: it is waited for on its port
  kLeaveRestoreMode,  // as well, and a restore OS it still runs holds a ticket nobody has any more:
                      // it is rebooted
};

struct StepSpec {
  Step step;
  unsigned needs;                 // of Need
  std::chrono::seconds deadline;  // from its start; then the step is ended as step_timeout. 0: none
  std::chrono::seconds stall;     // the same for bytes that began to move and then do not. 0: none
  std::chrono::seconds typical;   // its weight in the progress bar, and the first guess of an ETA
  bool destructive;  // user data may be gone once it began; not interrupted by a cancel
  bool by_bytes;     // its progress is counted in bytes; fractions of something else do not move it
  BeforeRetry before_retry;
};

// In the order in which a job takes them.
[[nodiscard]] std::span<const StepSpec> AllStepSpecs();
[[nodiscard]] const StepSpec& Spec(Step step);

// Where a station's own are not the table's.
using StepDeadlines = std::map<Step, std::chrono::seconds>;
[[nodiscard]] std::chrono::seconds DeadlineOf(Step step, const StepDeadlines& own);

}  // namespace station
