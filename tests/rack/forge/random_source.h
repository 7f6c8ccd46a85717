#pragma once
// Pseudo-random bytes from a seed, fast enough for images of many gigabytes; the same seed gives
// the same bytes.

#include <cstdint>
#include <span>
#include <string_view>

namespace rack {

class RandomSource {
 public:
  RandomSource(std::uint64_t seed, std::string_view name);
  void Fill(std::span<std::uint8_t> out);

 private:
  [[nodiscard]] std::uint64_t Next();
  std::uint64_t state_[4] = {};  // xoshiro256**
};

}  // namespace rack
