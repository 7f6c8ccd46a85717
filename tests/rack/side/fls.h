#pragma once
// .fls: one part of an Intel baseband's firmware of old. A list of elements, {type, size with its
// header, 0, ...}; the one of type 0x0C holds the code. Its data says at 0x10 how long it is and at
// 0x14 where the signature begins, which runs to its end.

#include <optional>
#include <span>

#include "tests/rack/wire/value.h"

namespace rack {

inline constexpr std::size_t kFlsPrefix = 0x18;  // of the data: what the two numbers stand in

// `data` begins with kFlsPrefix bytes of its own, which are filled in; its last `signature` bytes
// are to be signed.
[[nodiscard]] Bytes WriteFls(Bytes data, std::size_t signature);
// The data of the code element. Nothing unless the elements fill the file exactly.
[[nodiscard]] std::optional<std::span<const std::uint8_t>> ReadFlsData(
    std::span<const std::uint8_t> file);

}  // namespace rack
