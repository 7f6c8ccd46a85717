#pragma once
// Firmware of the chips beside the application processor: files with the shape clients expect, and
// the digests that stand in their manifest entries besides Digest.
//
// Where it is not known which bytes Apple's cover, the rack covers the whole file, with the hash
// whose digests are as long as the manifest's; CMACs are the first bytes of its SHA-256. Baseband
// files: side/baseband.h.

#include <cstdint>
#include <optional>

#include "tests/rack/forge/plan.h"
#include "tests/rack/wire/value.h"

namespace rack {

// Nothing for a file that may hold anything.
[[nodiscard]] std::optional<Bytes> MakeSideFile(const PlannedFile& file, std::uint64_t seed);

// Whether the component's entry has digests of other names.
[[nodiscard]] bool HasSideDigests(std::string_view component);
// The entry, with those of its digests that belong to the file; unchanged for other components.
[[nodiscard]] Value WithSideDigests(const std::string& component, const Value& entry,
                                    const Value& identity, const Bytes& contents);

// What a phone has to know of its identity to ask for those files: Tags (chip ids and the like, as
// the identity writes them) and Entries (components to what stands in their manifest entry, without
// digests; of the baseband all of it).
[[nodiscard]] Value SideFacts(const Value& identity);

}  // namespace rack
