#pragma once
// Whether the firmware that came with a chip's ticket is the one the ticket is for.

#include <expected>
#include <map>
#include <string>

#include "tests/rack/model/peripherals.h"
#include "tests/rack/model/refusal.h"

namespace rack {

using Written = std::map<std::string, Bytes>;  // components to the digests of what goes to the chip

// Whether FirmwareData comes with the answer at all; of the others the ticket is all.
[[nodiscard]] bool BringsFirmware(Updater updater);
// `bound` is what the ticket binds, `response` the host's FirmwareResponseData. kUpdaterAnswer or
// kUpdaterFirmware.
[[nodiscard]] std::expected<Written, Refusal> CheckFirmware(const Peripheral& chip,
                                                            const BoardFacts& facts,
                                                            const Value& bound,
                                                            const Value& response);

}  // namespace rack
