#include "tests/rack/forge/random_source.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace rack {
namespace {

// Each block is seeded by its number alone.
constexpr std::size_t kBlock = 4096;

// Two 64-bit lanes: what every x86-64 has a register for, whatever the optimisation.
using Pair = std::uint64_t __attribute__((vector_size(16)));

// splitmix64
std::uint64_t NextSeed(std::uint64_t& state) {
  state += 0x9E3779B97F4A7C15U;
  std::uint64_t z = state;
  z = (z ^ z >> 30U) * 0xBF58476D1CE4E5B9U;
  z = (z ^ z >> 27U) * 0x94D049BB133111EBU;
  return z ^ z >> 31U;
}

// xorshift128+ in two lanes.
class Lanes {
 public:
  explicit Lanes(std::uint64_t& seed)
      : first_{NextSeed(seed), NextSeed(seed)}, second_{NextSeed(seed), NextSeed(seed)} {}
  void Next(std::uint8_t* out) {
    Pair mixed = first_ ^ (first_ << 23U);
    const Pair old = second_;
    mixed = mixed ^ old ^ (mixed >> 18U) ^ (old >> 5U);
    first_ = old;
    second_ = mixed;
    const Pair result = mixed + old;
    std::memcpy(out, &result, sizeof(result));
  }

 private:
  Pair first_;
  Pair second_;
};

void FillBlock(std::uint64_t key, std::uint64_t number, std::uint8_t* out) {
  std::uint64_t seed = key ^ (number * 0xD1342543DE82EF95U);
  Lanes even(seed);
  Lanes odd(seed);
  for (std::size_t at = 0; at < kBlock; at += 2 * sizeof(Pair)) {
    even.Next(out + at);
    odd.Next(out + at + sizeof(Pair));
  }
}

}  // namespace

RandomSource::RandomSource(std::uint64_t seed, std::string_view name) : key_(seed) {
  for (const char c : name) key_ = (key_ ^ static_cast<std::uint8_t>(c)) * 0x100000001B3U;
  key_ = NextSeed(key_);
}

void RandomSource::Fill(std::uint64_t offset, std::span<std::uint8_t> out) const {
  std::array<std::uint8_t, kBlock> part;
  while (!out.empty()) {
    const std::size_t skip = offset % kBlock;
    const std::size_t length = std::min(out.size(), kBlock - skip);
    if (length == kBlock) {
      FillBlock(key_, offset / kBlock, out.data());
    } else {
      FillBlock(key_, offset / kBlock, part.data());
      std::memcpy(out.data(), part.data() + skip, length);
    }
    offset += length;
    out = out.subspan(length);
  }
}

}  // namespace rack
