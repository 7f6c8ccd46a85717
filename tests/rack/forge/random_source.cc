#include "tests/rack/forge/random_source.h"

#include <bit>
#include <cstring>

namespace rack {

RandomSource::RandomSource(std::uint64_t seed, std::string_view name) {
  std::uint64_t mixed = seed;
  for (const char c : name) mixed = (mixed ^ static_cast<std::uint8_t>(c)) * 0x100000001B3U;
  for (std::uint64_t& word : state_) {  // splitmix64
    mixed += 0x9E3779B97F4A7C15U;
    std::uint64_t z = mixed;
    z = (z ^ z >> 30U) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27U) * 0x94D049BB133111EBU;
    word = z ^ z >> 31U;
  }
}

std::uint64_t RandomSource::Next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17U;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

void RandomSource::Fill(std::span<std::uint8_t> out) {
  while (out.size() >= sizeof(std::uint64_t)) {
    const std::uint64_t word = Next();
    std::memcpy(out.data(), &word, sizeof(word));
    out = out.subspan(sizeof(word));
  }
  if (!out.empty()) {
    const std::uint64_t word = Next();
    std::memcpy(out.data(), &word, out.size());
  }
}

}  // namespace rack
