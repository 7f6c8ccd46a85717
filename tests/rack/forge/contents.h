#pragma once
// The bytes of every forged file but the disk images, by its kind, and the digests a manifest names
// them by.

#include <cstdint>

#include "tests/rack/forge/plan.h"

namespace rack {

struct ContentSizes {
  std::uint64_t seed = 1;
  std::uint64_t ramdisk = 24U << 20U;
  std::uint64_t kernel = 4U << 20U;
};

// kDiskImage has no contents: DiskImage makes it as it is written.
[[nodiscard]] Bytes MakeContents(const PlannedFile& file, const ContentSizes& sizes);

// The digest of one use: over the patched IM4P, over the part of an ftab, or over the whole file.
// Empty when the file does not hold what the use wants. Patches the type in `contents`.
[[nodiscard]] Bytes DigestOfUse(Bytes& contents, std::string_view type, HashKind hash);

}  // namespace rack
