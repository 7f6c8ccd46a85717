#pragma once
// Updaters: for each chip beside the application processor the phone asks for a ticket and its
// firmware (FirmwareUpdaterData, reference 6.8), and writes them when both are right.

#include "tests/rack/model/peripherals.h"
#include "tests/rack/restore/step.h"

namespace rack {

// Hosts of the 1.0.0 class are asked only for what they know.
[[nodiscard]] bool UpdaterAsked(const RestoreRun& run, Updater updater);
// kUpdaterAnswer to kUpdaterFirmware. A phone asks again a few times, with new nonces, before it
// gives up.
[[nodiscard]] StepResult RunUpdater(RestoreRun& run, Updater updater);

// Before the first of them, from hosts that know it.
[[nodiscard]] bool PreflightAsked(const RestoreRun& run);
[[nodiscard]] StepResult AskPreflight(RestoreRun& run);

}  // namespace rack
