#pragma once
// Whoever is shown what goes over connections to a phone, for a capture of a restore's dialogue.

#include <cstdint>

#include "station/plist/plist.h"

namespace station::device {

enum class Direction : std::uint8_t { kToPhone, kFromPhone };

// Which connection: the phone's port, and a number that no other connection of the process has.
struct Line {
  std::uint16_t port = 0;
  std::uint32_t number = 0;
};

class Tap {
 public:
  virtual ~Tap() = default;
  // Called from whichever thread talks; must not keep the view.
  virtual void OnMessage(Line line, Direction direction, plist::View message) = 0;
};

}  // namespace station::device
