#pragma once
// What a campaign says of itself.

#include <string>

#include "tests/campaign/campaign.h"

namespace campaign {

[[nodiscard]] std::string AsTable(const Verdict& verdict, std::uint64_t seed);
[[nodiscard]] std::string AsJson(const Verdict& verdict, std::uint64_t seed);

}  // namespace campaign
