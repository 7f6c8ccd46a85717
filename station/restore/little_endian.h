#pragma once
// Little-endian words in firmware files; the caller has checked the bounds.

#include <cstddef>
#include <cstdint>
#include <span>

namespace station::restore {

template <typename Word>
[[nodiscard]] Word ReadLittle(std::span<const std::uint8_t> bytes, std::size_t at) {
  Word value = 0;
  for (std::size_t i = sizeof(Word); i > 0; --i)
    value = static_cast<Word>(value << 8U | bytes[at + i - 1]);
  return value;
}

inline void WriteLittle32(std::span<std::uint8_t> bytes, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i)
    bytes[at + i] = static_cast<std::uint8_t>(value >> (8 * i) & 0xFFU);
}

}  // namespace station::restore
