#include "station/catalogue/buttons.h"

#include <array>
#include <charconv>
#include <optional>

namespace station::catalogue {
namespace {

enum class Layout : std::uint8_t {
  kHome,        // a Home button that moves
  kVolumeDown,  // one that does not: Volume Down stands in for it
  kPresses,     // none, or only for Touch ID: two presses before the long one
  kTablet,      // an iPad with a Home button
  kBareTablet,  // an iPad without
};

// Product types are a family, a generation and a variant: "iPhone10,1".
struct GenerationRow {
  std::string_view family;
  unsigned first;
  unsigned last;
  Layout layout;
};
constexpr unsigned kOpenEnd = 9999;
constexpr auto kGenerations = std::to_array<GenerationRow>({
    {"iPhone", 1, 8, Layout::kHome},
    {"iPhone", 9, 9, Layout::kVolumeDown},
    {"iPhone", 10, kOpenEnd, Layout::kPresses},
    {"iPod", 1, 7, Layout::kHome},
    {"iPod", 8, kOpenEnd, Layout::kVolumeDown},
    {"iPad", 1, 7, Layout::kTablet},
    {"iPad", 8, 10, Layout::kBareTablet},
    {"iPad", 11, 12, Layout::kTablet},
    {"iPad", 13, kOpenEnd, Layout::kBareTablet},
});

struct StepsRow {
  Layout layout;
  ButtonMode mode;
  std::array<const char*, 4> lines;  // the last ones may be null
};
constexpr auto kSteps = std::to_array<StepsRow>({
    {Layout::kHome,
     ButtonMode::kRecovery,
     {"Hold the Home button and the Side (or Top) button together.",
      "Keep holding through the Apple logo, until the screen shows a cable.", nullptr, nullptr}},
    {Layout::kHome,
     ButtonMode::kDfu,
     {"Hold the Home button and the Side (or Top) button together for 10 seconds.",
      "Let go of the Side (or Top) button, keep holding Home for 10 seconds more.",
      "The screen stays black. An Apple logo means: once more from the start.", nullptr}},
    {Layout::kVolumeDown,
     ButtonMode::kRecovery,
     {"Hold Volume Down and the Side (or Top) button together.",
      "Keep holding through the Apple logo, until the screen shows a cable.", nullptr, nullptr}},
    {Layout::kVolumeDown,
     ButtonMode::kDfu,
     {"Hold Volume Down and the Side (or Top) button together for 10 seconds.",
      "Let go of the Side (or Top) button, keep holding Volume Down for 10 seconds more.",
      "The screen stays black. An Apple logo means: once more from the start.", nullptr}},
    {Layout::kPresses,
     ButtonMode::kRecovery,
     {"Press Volume Up and let go. Press Volume Down and let go.",
      "Hold the Side button through the Apple logo, until the screen shows a cable.", nullptr,
      nullptr}},
    {Layout::kPresses,
     ButtonMode::kDfu,
     {"Press Volume Up and let go. Press Volume Down and let go. Hold the Side button until the "
      "screen is black.",
      "Still holding it, hold Volume Down as well, for 5 seconds.",
      "Let go of the Side button, keep holding Volume Down for 10 seconds more.",
      "The screen stays black. An Apple logo means: once more from the start."}},
    {Layout::kTablet,
     ButtonMode::kRecovery,
     {"Hold the Home button and the Top button together.",
      "Keep holding through the Apple logo, until the screen shows a cable.", nullptr, nullptr}},
    {Layout::kTablet,
     ButtonMode::kDfu,
     {"Hold the Home button and the Top button together for 10 seconds.",
      "Let go of the Top button, keep holding Home for 10 seconds more.",
      "The screen stays black. An Apple logo means: once more from the start.", nullptr}},
    {Layout::kBareTablet,
     ButtonMode::kRecovery,
     {"Press the volume button nearest to the Top button and let go. Press the other volume button "
      "and let go.",
      "Hold the Top button through the Apple logo, until the screen shows a cable.", nullptr,
      nullptr}},
    {Layout::kBareTablet,
     ButtonMode::kDfu,
     {"Press the volume button nearest to the Top button and let go, then the other one. Hold the "
      "Top button until the screen is black.",
      "Still holding it, hold the volume button farthest from it as well, for 5 seconds.",
      "Let go of the Top button, keep holding the volume button for 10 seconds more.",
      "The screen stays black. An Apple logo means: once more from the start."}},
});

std::optional<Layout> LayoutOf(std::string_view type) {
  const std::size_t digits = type.find_first_of("0123456789");
  if (digits == std::string_view::npos) return std::nullopt;
  const std::string_view family = type.substr(0, digits);
  unsigned generation = 0;
  std::from_chars(type.data() + digits, type.data() + type.size(), generation);
  for (const GenerationRow& row : kGenerations)
    if (row.family == family && generation >= row.first && generation <= row.last)
      return row.layout;
  return std::nullopt;
}

}  // namespace

std::vector<std::string> ButtonSteps(std::string_view product_type, ButtonMode mode) {
  const std::optional<Layout> layout = LayoutOf(product_type);
  std::vector<std::string> lines;
  for (const StepsRow& row : kSteps) {
    if (row.layout != layout.value_or(Layout::kPresses) || row.mode != mode) continue;
    for (const char* line : row.lines)
      if (line != nullptr) lines.emplace_back(line);
  }
  if (!layout)
    lines.emplace_back(
        "On a model with a Home button: hold Home and the Side (or Top) button instead.");
  return lines;
}

}  // namespace station::catalogue
