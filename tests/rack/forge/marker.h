#pragma once
// What a forged restore ramdisk or device tree says about itself at its start. A booted phone
// learns from it what restore it is in; the ticket's digest protects it.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "tests/rack/wire/value.h"

namespace rack {

// How the OS image was made, so that a phone can tell every byte of it without keeping any
// (SparseImage and RandomSource make the same bytes again).
struct ImageRecipe {
  std::uint64_t seed = 0;
  std::string path;  // the member's name, which the bytes depend on
  std::uint64_t size = 0;
  bool sparse = false;
  Bytes digest;  // SHA-384 of all of it; empty where it was not known when the ramdisk was made
};

struct Marker {
  std::string behaviour;  // "Erase" or "Update"; empty in a device tree, which both share
  std::string build;
  std::string version;
  std::string board;  // "d20ap"; empty where several boards share the file
  // Boards to the components their identity names, for what a restore of that board has to ask.
  std::map<std::string, std::set<std::string>> components;
  std::optional<ImageRecipe> image;
};

[[nodiscard]] Bytes WriteMarker(const Marker& marker);
[[nodiscard]] std::optional<Marker> ReadMarker(std::span<const std::uint8_t> payload_data);

}  // namespace rack
