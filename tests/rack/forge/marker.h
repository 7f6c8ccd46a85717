#pragma once
// What a forged restore ramdisk or device tree says about itself at its start. A booted phone
// learns from it what restore it is in; the ticket's digest protects it.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "tests/rack/forge/disk_image.h"
#include "tests/rack/wire/value.h"

namespace rack {

struct Marker {
  std::string behaviour;  // "Erase" or "Update"; empty in a device tree, which both share
  std::string build;
  std::string version;
  std::string board;  // "d20ap"; empty where several boards share the file
  // Boards to the components their identity names, for what a restore of that board has to ask.
  std::map<std::string, std::set<std::string>> components;
  // Boards to the digests of what their identity names and no ticket of the phone's signs.
  std::map<std::string, std::map<std::string, Bytes>> digests;
  // Boards to what their identity says of the chips beside the application processor (SideFacts).
  std::map<std::string, Value> sides = {};
  // The disk images a restore with this ramdisk installs.
  std::vector<ImageRecipe> images;
};

[[nodiscard]] Bytes WriteMarker(const Marker& marker);
[[nodiscard]] std::optional<Marker> ReadMarker(std::span<const std::uint8_t> payload_data);

}  // namespace rack
