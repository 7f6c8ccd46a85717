#pragma once
// "ftab": the firmware container of Rose and of retimers, a table of tagged parts. Reference 6.8.

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tests/rack/wire/value.h"

namespace rack {

// Tags of four characters to their parts.
[[nodiscard]] Bytes WriteFtab(const std::map<std::string, Bytes>& parts);
[[nodiscard]] bool IsFtab(std::span<const std::uint8_t> bytes);
// Nothing when there is no such part or the table does not hold together.
[[nodiscard]] std::optional<std::span<const std::uint8_t>> FtabPart(
    std::span<const std::uint8_t> bytes, std::string_view tag);

}  // namespace rack
