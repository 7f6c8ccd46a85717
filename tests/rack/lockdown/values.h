#pragma once
// What lockdownd tells about a phone in normal mode.

#include <optional>
#include <string>

#include "tests/rack/model/phone.h"

namespace rack {

// Everything an unpaired host gets when it asks for no key at all.
[[nodiscard]] Value UnpairedValues(const PhoneSpec& spec, const PhoneState& state);
// One key of a domain; nothing is "MissingValue".
[[nodiscard]] std::optional<Value> LockdownValue(const Phone& phone, const std::string& domain,
                                                 const std::string& key);

}  // namespace rack
