#pragma once
// IM4P: one firmware component as it lies in an IPSW. SEQUENCE { "IM4P", type, description, data,
// ... }.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tests/rack/wire/value.h"

namespace rack {

struct Payload {
  std::string type;  // four characters
  std::string description;
  std::span<const std::uint8_t> data;
  bool encrypted = false;               // carries keybags
  std::span<const std::uint8_t> whole;  // what a ticket's DGST covers
};

// Views into `bytes`, which must be exactly one IM4P.
[[nodiscard]] std::optional<Payload> ReadPayload(std::span<const std::uint8_t> bytes);
[[nodiscard]] Bytes WritePayload(std::string_view type, std::string_view description,
                                 std::span<const std::uint8_t> data);
// The same IM4P with another type, in place; false when `bytes` is none.
bool PatchType(Bytes& bytes, std::string_view type);

}  // namespace rack
