#pragma once
// Hours of the day in which the station may download by itself.

#include <chrono>
#include <optional>
#include <string>

#include "config/config.h"
#include "station/daemon/cart/clock.h"

namespace station::daemon {

// How long until the window opens; nothing while it is open, or there is none. Local time.
[[nodiscard]] std::optional<std::chrono::milliseconds> UntilOpen(
    const std::optional<config::Window>& window, WallTime now);
// How long until it closes; nothing without one.
[[nodiscard]] std::optional<std::chrono::milliseconds> UntilClosed(
    const std::optional<config::Window>& window, WallTime now);
// "22:00"
[[nodiscard]] std::string HourText(int minutes_after_midnight);

}  // namespace station::daemon
