#pragma once
// Which buttons bring a product into recovery or DFU mode, as lines for the person who presses
// them.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace station::catalogue {

enum class ButtonMode : std::uint8_t {
  kRecovery,  // the screen shows a cable
  kDfu,       // the screen stays black; works where nothing else on the phone does
};

// One step a line, for a phone that stays on its cable. A type nobody knows ("iPhone99,1", empty)
// gets the way of the newest products, and is told how to see whether that is the right one.
[[nodiscard]] std::vector<std::string> ButtonSteps(std::string_view product_type, ButtonMode mode);

}  // namespace station::catalogue
