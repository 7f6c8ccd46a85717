#pragma once
// A battery that is too low for a restore: the phone waits until it has charged (operation 39), or
// fails where it does not charge. Only the operation is known of real phones; the level is a guess.

#include "tests/rack/restore/step.h"

namespace rack {

[[nodiscard]] bool BatteryIsLow(const RestoreRun& run);
[[nodiscard]] StepResult WaitForCharge(RestoreRun& run);

}  // namespace rack
