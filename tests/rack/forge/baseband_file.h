#pragma once
// A baseband firmware file (.bbfw): a zip with one file for each element of the manifest's entry,
// each with the header its kind has.

#include <cstdint>

#include "tests/rack/forge/plan.h"
#include "tests/rack/wire/value.h"

namespace rack {

[[nodiscard]] Bytes MakeBasebandFile(const PlannedFile& file, std::uint64_t seed);
// In the manifest entry of that identity.
void ReplaceBasebandDigests(Value& entry, const Value& identity, const Bytes& contents);

}  // namespace rack
