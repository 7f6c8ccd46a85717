#include "tests/rack/forge/marker.h"

#include <algorithm>
#include <sstream>

namespace rack {
namespace {

constexpr std::string_view kMagic = "rack-firmware";
constexpr std::size_t kLongest = 256;

std::string Shown(const std::string& field) { return field.empty() ? "-" : field; }

}  // namespace

std::string WriteMarker(const Marker& marker) {
  return std::string(kMagic) + " " + Shown(marker.behaviour) + " " + Shown(marker.build) + " " +
         Shown(marker.version) + " " + Shown(marker.board) + "\n";
}

std::optional<Marker> ReadMarker(std::span<const std::uint8_t> payload_data) {
  const std::string_view start =
      AsText(payload_data.first(std::min(payload_data.size(), kLongest)));
  const std::size_t end = start.find('\n');
  if (!start.starts_with(kMagic) || end == std::string_view::npos) return std::nullopt;
  std::istringstream line{std::string(start.substr(kMagic.size(), end - kMagic.size()))};
  Marker marker;
  if (!(line >> marker.behaviour >> marker.build >> marker.version >> marker.board))
    return std::nullopt;
  for (std::string* field : {&marker.behaviour, &marker.build, &marker.version, &marker.board})
    if (*field == "-") field->clear();
  return marker;
}

}  // namespace rack
