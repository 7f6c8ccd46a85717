#pragma once
// Pseudo-random bytes from a seed. Any stretch can be made without the bytes before it, at several
// gigabytes a second, so that a phone can tell every byte of an image it keeps none of. The same
// seed and name give the same bytes.

#include <cstdint>
#include <span>
#include <string_view>

namespace rack {

class RandomSource {
 public:
  RandomSource(std::uint64_t seed, std::string_view name);
  // The bytes from `offset` on.
  void Fill(std::uint64_t offset, std::span<std::uint8_t> out) const;

 private:
  std::uint64_t key_;
};

}  // namespace rack
