#pragma once
// The port machine's table for people: README.md shows it, and a test keeps the two alike.

#include <span>
#include <string>

#include "scheduler/port_machine.h"

namespace station::scheduler {

[[nodiscard]] std::string_view Name(PortAction action);

// A diagram of what leads from one state to another, then every row of the table.
[[nodiscard]] std::string AsMarkdown(std::span<const Transition> table,
                                     std::span<const StateDeadline> deadlines);

}  // namespace station::scheduler
