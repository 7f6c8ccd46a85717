#pragma once
// Says when progress is worth a message: at most five times a second, and at the end.

#include <chrono>
#include <optional>

namespace station::fetcher {

class ProgressPace {
 public:
  [[nodiscard]] bool Due(bool last) {
    const auto now = std::chrono::steady_clock::now();
    if (!last && before_ && now - *before_ < std::chrono::milliseconds(200)) return false;
    before_ = now;
    return true;
  }

 private:
  std::optional<std::chrono::steady_clock::time_point> before_;
};

}  // namespace station::fetcher
