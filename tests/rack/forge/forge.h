#pragma once
// Makes an IPSW of any size whose layout follows a given BuildManifest.plist: every file it names,
// with invented contents and the digests that belong to them. forge.cc tells it in order.

#include <cstdint>
#include <string>
#include <vector>

#include "station/base/result.h"
#include "tests/rack/forge/disk_image.h"
#include "tests/rack/forge/sparse_file.h"

namespace rack {

struct ForgeOrder {
  std::string manifest;  // path
  std::string out;
  std::uint64_t os_size = 64U << 20U;
  std::uint64_t cryptex_size = 8U << 20U;
  std::uint64_t ramdisk_size = 24U << 20U;
  std::uint64_t kernel_size = 4U << 20U;
  std::uint64_t seed = 1;
  bool deflate = false;               // the disk images; other members are stored
  bool sparse = false;                // disk images are zeros with islands, written as holes
  std::vector<std::string> products;  // types or boards to keep; empty keeps all
  Progress progress;
};

struct ForgeResult {
  std::string sha256;     // of the file, hexadecimal
  std::string os_digest;  // of the (last) OS image, as its manifest entry has it
  std::string os_member;
  std::string build;
  std::string version;
  std::uint64_t size = 0;       // of the file
  std::uint64_t disk_size = 0;  // what it takes on disk
  int identities = 0;
  int digests = 0;  // checked
  std::vector<ImageRecipe> images;
};

// What was written has been read back and checked (check.h). kFirmwareMalformed for a manifest that
// cannot be followed.
[[nodiscard]] station::Result<ForgeResult> Forge(const ForgeOrder& order);

}  // namespace rack
