#pragma once
// "station-rack forge": its options, its report, and what it says meanwhile.

#include <CLI/CLI.hpp>

#include "tests/rack/forge/forge.h"

namespace rack {

struct ForgeCommand {
  ForgeOrder order;
  bool json = false;
};

void AddForgeCommand(CLI::App& app, ForgeCommand& command);
// The exit code.
[[nodiscard]] int RunForgeCommand(ForgeCommand command);

}  // namespace rack
