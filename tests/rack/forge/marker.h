#pragma once
// What a forged restore ramdisk or device tree says about itself in its first line. A booted phone
// learns from it what restore it is in; the ticket's digest protects it.

#include <optional>
#include <span>
#include <string>

#include "tests/rack/wire/value.h"

namespace rack {

struct Marker {
  std::string behaviour;  // "Erase" or "Update"; empty in a device tree, which both share
  std::string build;
  std::string version;
  std::string board;  // "d20ap"; empty where several boards share the file
};

[[nodiscard]] std::string WriteMarker(const Marker& marker);
[[nodiscard]] std::optional<Marker> ReadMarker(std::span<const std::uint8_t> payload_data);

}  // namespace rack
