#pragma once
// IM4R: what a host adds to an IMG4 for one boot. SEQUENCE { "IM4R", SET of properties }.

#include <optional>
#include <span>

#include "tests/rack/wire/value.h"

namespace rack {

struct RestoreInfo {
  std::optional<Bytes> generator;  // BNCN, 8 bytes: what the boot nonce is the hash of
};

// Nothing unless the bytes are exactly one IM4R whose properties are known ones, each once: BNCN,
// anid, snid, and ucon with ucer. Their order is free: clients write ucon before ucer (reference
// 4.4), which is not the order of their tags.
[[nodiscard]] std::optional<RestoreInfo> ReadRestoreInfo(std::span<const std::uint8_t> bytes);

}  // namespace rack
