#pragma once
// The baseband's ticket and the blobs that go into its firmware.

#include <expected>

#include "tests/rack/signer/peripheral.h"

namespace rack {

// @BBTicket stands in every request for a chip beside the application processor; the baseband is
// asked for when it is described.
[[nodiscard]] bool AsksForBaseband(const Value& request);
// BBTicket and BasebandFirmware of the answer. Refused with 8, and with 49 for what the baseband
// says of itself (reference 5.6).
[[nodiscard]] std::expected<void, SigningRefusal> AddBasebandTicket(const Value& request,
                                                                    const SigningKeys& keys,
                                                                    Value& answer);

}  // namespace rack
