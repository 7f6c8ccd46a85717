#pragma once
// How long a stopped job's process may stay to bring its phone back: the way into recovery mode and
// out of it again.

#include <chrono>

namespace station::worker {

inline constexpr std::chrono::seconds kLetGoPatience{180};

}  // namespace station::worker
