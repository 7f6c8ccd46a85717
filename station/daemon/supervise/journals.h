#pragma once
// What a worker wrote down that it could not say.

#include <filesystem>
#include <optional>

#include "station/base/ids.h"
#include "station/daemon/supervise/tasks.h"

namespace station::daemon {

// The Finished record of that attempt in `folder`/job-N; nothing when there is no journal, or it
// does not end so.
[[nodiscard]] std::optional<Ended> LastWord(const std::filesystem::path& folder, JobId job,
                                            int attempt);

// Whether the journal has the orders of that attempt.
[[nodiscard]] bool HasOrders(const std::filesystem::path& folder, JobId job, int attempt);

}  // namespace station::daemon
