#pragma once
// A Value as JSON text, for machines that read `status --json` and `forge --json`.

#include <string>

#include "tests/rack/wire/value.h"

namespace rack {

[[nodiscard]] std::string ToJson(const Value& value);

}  // namespace rack
