#pragma once
// The steps of a job as data: what each needs, how long it may take, what it weighs, what it
// destroys.

#include <chrono>
#include <span>

#include "station/base/enums.h"

namespace station::scheduler {

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

struct StepSpec {
  Step step;
  unsigned needs;                 // of Need
  std::chrono::seconds deadline;  // from its start; then the worker is ended. 0: none
  std::chrono::seconds typical;   // its weight in the progress bar, and the first guess of an ETA
  bool destructive;  // user data may be gone once it began; not interrupted by a cancel
  bool by_bytes =
      false;  // its progress is counted in bytes; fractions of something else do not move it
};

// In the order in which a job takes them.
[[nodiscard]] std::span<const StepSpec> AllSteps();
[[nodiscard]] const StepSpec& Spec(Step step);

// How far a whole job is when `step` is at `step_fraction` (0..1). Identify counts by itself alone.
[[nodiscard]] double JobFraction(Step step, double step_fraction);
// Typical time of the steps that follow `step`.
[[nodiscard]] std::chrono::seconds TypicalAfter(Step step);

}  // namespace station::scheduler
