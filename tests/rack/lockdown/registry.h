#pragma once
// The I/O registry as the diagnostics relay shows it: the battery under its names, the NVRAM.

#include <string>

#include "tests/rack/model/phone_state.h"

namespace rack {

// The entry of that name or class ("" is any); nothing when there is none.
[[nodiscard]] std::optional<Value> RegistryEntry(const PhoneSpec& spec, const PhoneState& state,
                                                 const std::string& name,
                                                 const std::string& entry_class);
// The root of a plane, with few of its children.
[[nodiscard]] Value RegistryPlane(const PhoneSpec& spec, const std::string& plane);
// What the GasGauge request answers.
[[nodiscard]] Value GasGauge();

}  // namespace rack
