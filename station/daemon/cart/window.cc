#include "station/daemon/cart/window.h"

#include <ctime>

namespace station::daemon {
namespace {

constexpr int kDay = 24 * 60;  // minutes

// Into the local day, milliseconds.
std::chrono::milliseconds IntoTheDay(WallTime now) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return std::chrono::hours(local.tm_hour) + std::chrono::minutes(local.tm_min) +
         std::chrono::seconds(local.tm_sec) + now.time_since_epoch() % std::chrono::seconds(1);
}

// From the time of the day to the next time it is `minute`; a whole day when it is that now.
std::chrono::milliseconds Until(int minute, std::chrono::milliseconds into_day) {
  auto left = std::chrono::minutes(minute) - into_day;
  if (left <= std::chrono::milliseconds(0)) left += std::chrono::minutes(kDay);
  return left;
}

}  // namespace

std::optional<std::chrono::milliseconds> UntilOpen(const std::optional<config::Window>& window,
                                                   WallTime now) {
  if (!window) return std::nullopt;
  const auto into_day = IntoTheDay(now);
  const auto begin = std::chrono::minutes(window->begin);
  const auto end = std::chrono::minutes(window->end);
  const bool open =
      begin < end ? begin <= into_day && into_day < end : begin <= into_day || into_day < end;
  if (open) return std::nullopt;
  return Until(window->begin, into_day);
}

std::optional<std::chrono::milliseconds> UntilClosed(const std::optional<config::Window>& window,
                                                     WallTime now) {
  if (!window) return std::nullopt;
  return Until(window->end, IntoTheDay(now));
}

std::string HourText(int minutes) {
  const auto two = [](int number) {
    return std::string(number < 10 ? "0" : "") + std::to_string(number);
  };
  return two(minutes / 60) + ":" + two(minutes % 60);
}

}  // namespace station::daemon
