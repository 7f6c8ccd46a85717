#pragma once
// What is a phone's own, and what it draws by chance.

#include <string>

#include "tests/rack/model/cart.h"

namespace rack {

// Bytes that are this phone's own, the same at every start; `what` tells one use from another.
[[nodiscard]] Bytes Own(const PhoneSpec& spec, const std::string& what, std::size_t size);
// A nonce: random, with `fixed_nonces` the phone's own.
[[nodiscard]] Bytes Drawn(const PhoneSpec& spec, const std::string& what, std::size_t size);

}  // namespace rack
