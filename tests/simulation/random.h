#pragma once
// The one source of chance of a run: the same seed gives the same numbers.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace station::simulation {

using Millis = std::chrono::milliseconds;

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  // 0 .. n-1; 0 for n == 0.
  std::size_t Below(std::size_t n) { return n == 0 ? 0 : engine_() % n; }
  // Both ends included.
  int Between(int from, int to) {
    return from + static_cast<int>(Below(static_cast<std::size_t>(to - from + 1)));
  }
  Millis Time(Millis from, Millis to) {
    return from + Millis(static_cast<std::int64_t>(
                      Below(static_cast<std::size_t>((to - from).count() + 1))));
  }
  double Share() { return static_cast<double>(engine_() >> 11) / 9007199254740992.0; }
  double Number(double from, double to) { return from + Share() * (to - from); }
  bool Chance(double probability) { return Share() < probability; }
  template <typename T>
  const T& Of(const std::vector<T>& some) {
    return some[Below(some.size())];
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace station::simulation
