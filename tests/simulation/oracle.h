#pragma once
// How fast a cart could be at best: from the speeds and the limits alone, apart from the scheduler.

#include <cstddef>
#include <vector>

#include "tests/simulation/floor.h"
#include "tests/simulation/pace.h"

namespace station::simulation {

struct Load {
  int site = 0;
  double bytes_per_second = 0;  // of the phone
  Pace pace;
  Millis lost{0};  // injected: attempts that came to nothing
};

// Without what was injected no schedule can end earlier: the longest job; the slots (of k * slots +
// 1 jobs, k + 1 share one), all, each controller's and each hub's; what has to pass each hub, each
// controller and the host, with the shortest beginning and end. `capacity`: bytes per second of the
// host, then of each hub.
[[nodiscard]] Millis BestMakespan(const std::vector<Load>& loads, const Floor& floor,
                                  const std::vector<double>& capacity, const Limits& limits);

}  // namespace station::simulation
