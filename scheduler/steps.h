#pragma once
// How far a job is, from the table of its steps (station/base/step_table.h).

#include <chrono>

#include "station/base/enums.h"

namespace station::scheduler {

// How far a whole job is when `step` is at `step_fraction` (0..1). Identify counts by itself alone.
[[nodiscard]] double JobFraction(Step step, double step_fraction);
// Typical time of the steps that follow `step`.
[[nodiscard]] std::chrono::seconds TypicalAfter(Step step);

}  // namespace station::scheduler
