#pragma once
// The phone's own verdict, and its progress, in our words (restore-protocol 6.6, 6.9).

#include <cstdint>
#include <optional>
#include <string_view>

#include "station/base/error_code.h"

namespace station::restore {

// A StatusMsg's Status that is not 0.
[[nodiscard]] ErrorCode CodeOfStatus(std::int64_t status);
// Name of a ProgressMsg's Operation; "operation" when it has none.
[[nodiscard]] std::string_view OperationName(std::int64_t operation);

}  // namespace station::restore
