#pragma once
// What lockdownd tells about a phone in normal mode: little to anybody, the rest in a session.

#include "tests/rack/lockdown/client.h"

namespace rack {

// MissingValue when there is none, GetProhibited when a session would have it.
[[nodiscard]] LockdownReply GetValue(LockdownClient& client, const Value& request);

// Everything an unpaired host gets when it asks for no key at all.
[[nodiscard]] Value UnpairedValues(const PhoneSpec& spec, const PhoneState& state);
// What it has in a session, as real dumps show it.
[[nodiscard]] Value SessionValues(const PhoneSpec& spec, const PhoneState& state);

// Who has been set up counts as activated: activation itself is Apple's affair.
[[nodiscard]] std::string_view ActivationState(const PhoneState& state);
// NVRAM as normal mode shows it: data, and Find My's words while that is on (device-services 5.2).
[[nodiscard]] Value NonVolatileRam(const PhoneState& state);

}  // namespace rack
