#pragma once
// Waiting between tries, in which a stop is noticed.

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <functional>

namespace station::fetcher {

// False once `stop` says so.
[[nodiscard]] inline std::function<bool(std::chrono::milliseconds)> PauseUnless(
    std::function<bool()> stop) {
  return [stop = std::move(stop)](std::chrono::milliseconds time) {
    constexpr std::chrono::milliseconds kLook{100};
    for (auto left = time; left.count() > 0 && !stop(); left -= kLook)
      ::poll(nullptr, 0, static_cast<int>(std::min(left, kLook).count()));
    return !stop();
  };
}

}  // namespace station::fetcher
