#pragma once
// One daemon per run_dir.

#include <filesystem>

#include "station/base/fd.h"
#include "station/base/result.h"

namespace station::daemon {

// Held as long as the descriptor is open. kAlreadyExists when another process holds it.
[[nodiscard]] Result<Fd> LockInstance(const std::filesystem::path& run_dir);

}  // namespace station::daemon
