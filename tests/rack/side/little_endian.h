#pragma once
// Numbers inside binary files, least significant byte first.

#include <cstdint>
#include <optional>
#include <span>

#include "tests/rack/wire/value.h"

namespace rack {

inline void PutLittle(Bytes& out, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i)
    out.push_back(static_cast<std::uint8_t>(value >> (8U * i)));
}
inline void Put32(Bytes& out, std::uint64_t value) { PutLittle(out, value, 4); }

// Nothing when it would lie outside.
[[nodiscard]] inline std::optional<std::uint32_t> LittleAt(std::span<const std::uint8_t> bytes,
                                                           std::size_t at, std::size_t size = 4) {
  if (at > bytes.size() || bytes.size() - at < size) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size; ++i)
    value |= static_cast<std::uint32_t>(bytes[at + i]) << (8U * i);
  return value;
}

}  // namespace rack
