#pragma once
// A zip in memory, for the one that lies inside an IPSW (.bbfw): members of some hundred kilobytes.

#include <map>
#include <optional>
#include <span>
#include <string>

#include "tests/rack/wire/value.h"

namespace rack {

using ZipMembers = std::map<std::string, Bytes>;  // by name

// All stored.
[[nodiscard]] Bytes WriteZip(const ZipMembers& members);
// Stored and deflated members, each checked against its CRC. Nothing for anything else, a name
// given twice, or contents of more than 256 MiB.
[[nodiscard]] std::optional<ZipMembers> ReadZip(std::span<const std::uint8_t> zip);

}  // namespace rack
