#pragma once
// A Value as JSON text and back, for machines that read `status --json`, `forge --json` and
// recordings.

#include <optional>
#include <string>
#include <string_view>

#include "tests/rack/wire/value.h"

namespace rack {

// Bytes become hexadecimal text, dates null. Numbers are signed: a property list has the number -1
// and 2^64-1 in common, and the first is what it means.
[[nodiscard]] std::string ToJson(const Value& value);
// One JSON value; nothing when `text` is anything else. Whole numbers that fit stay whole, null
// becomes an empty dictionary.
[[nodiscard]] std::optional<Value> ParseJson(std::string_view text);

}  // namespace rack
