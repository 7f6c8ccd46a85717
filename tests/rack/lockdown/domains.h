#pragma once
// The named domains of GetValue: what a station wants to know before it wipes (device-services 3.8,
// 5.1). All of them need a session.

#include <string>

#include "tests/rack/model/phone_state.h"

namespace rack {

// The whole domain, empty when there is no such one. Some domains tell nothing unless asked for one
// key.
[[nodiscard]] Value DomainValues(const PhoneSpec& spec, const PhoneState& state,
                                 const std::string& domain, bool by_key);

}  // namespace rack
