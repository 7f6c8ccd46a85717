#pragma once
// The commands that speak to a running rack.

#include <filesystem>
#include <string>
#include <vector>

#include "station/base/result.h"
#include "tests/rack/wire/value.h"

namespace rack {

// One request, one answer; an "Error" in the answer becomes an error.
[[nodiscard]] station::Result<Value> AskRack(const std::filesystem::path& folder,
                                             const Value& request);

struct Execution {
  std::string phone;  // show this phone only; empty shows all
  std::vector<std::string> command;
  bool plain_malloc = false;  // see SetWorldEnvironment
};

// Runs the command in a world of its own and returns its exit code (128 + signal when a signal
// ended it).
[[nodiscard]] station::Result<int> ExecuteInWorld(const std::filesystem::path& folder,
                                                  const Execution& execution);

}  // namespace rack
