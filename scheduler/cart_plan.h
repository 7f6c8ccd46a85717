#pragma once
// What a cart will take before it is begun: how many phones at once, in how many waves, how long,
// and which budget says so.

#include <chrono>
#include <optional>
#include <span>

#include "scheduler/budgets.h"

namespace station::scheduler {

struct PlannedPhone {
  PortKey port;
  std::uint64_t bytes = 0;  // of the system image, about
};

struct CartPlan {
  std::size_t phones = 0;
  std::size_t at_once = 0;
  std::size_t waves = 0;
  std::chrono::seconds time{0};  // about
  std::optional<Claim> binds;    // why not all at once; nothing: all are
};

// `measured`: bytes a second all together as seen lately, 0 when nothing was.
[[nodiscard]] CartPlan PlanCart(const Budgets& budgets, std::span<const PlannedPhone> phones,
                                double measured);

}  // namespace station::scheduler
