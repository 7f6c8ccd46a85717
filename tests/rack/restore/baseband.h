#pragma once
// The baseband: its firmware is asked for twice (reference 6.7), first to start its loader, then
// with a nonce to write it.

#include "tests/rack/model/peripherals.h"
#include "tests/rack/restore/step.h"
#include "tests/rack/side/zip.h"

namespace rack {

// Hosts of the 1.0.0 class only where they know every signed element of this chip.
[[nodiscard]] bool BasebandAsked(const RestoreRun& run);
// kBasebandData, kBasebandSignature, kBasebandTicket.
[[nodiscard]] StepResult AskBaseband(RestoreRun& run);

}  // namespace rack
