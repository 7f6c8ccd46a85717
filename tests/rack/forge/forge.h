#pragma once
// Makes an IPSW of any size whose layout follows a given BuildManifest.plist: every file it names,
// with invented contents and the digests that belong to them.

#include <cstdint>
#include <string>

#include "station/base/result.h"
#include "tests/rack/wire/value.h"

namespace rack {

struct ForgeOrder {
  std::string manifest;  // path
  std::string out;
  std::uint64_t os_size = 64U << 20U;
  std::uint64_t ramdisk_size = 24U << 20U;
  std::uint64_t kernel_size = 4U << 20U;
  std::uint64_t seed = 1;
  bool deflate = false;  // the OS image; other members are stored
};

struct ForgeResult {
  std::string sha256;     // of the file, hexadecimal
  std::string os_digest;  // SHA-384 of the (last) OS image
  std::string os_member;
  std::string build;
  std::string version;
  std::uint64_t size = 0;  // of the file
};

// kFirmwareMalformed for a manifest that cannot be followed.
[[nodiscard]] station::Result<ForgeResult> Forge(const ForgeOrder& order);

}  // namespace rack
