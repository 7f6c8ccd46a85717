#pragma once
// The commands that speak to a running rack.

#include <filesystem>
#include <string>
#include <vector>

#include "station/base/result.h"
#include "tests/rack/wire/value.h"

namespace rack {

// One request, one answer; an "Error" in the answer becomes an error.
[[nodiscard]] station::Result<Value> AskRack(const std::filesystem::path& folder, const Value& request);

// Runs `command` in a world of its own and returns its exit code (128 + signal when a signal ended it).
[[nodiscard]] station::Result<int> ExecuteInWorld(const std::filesystem::path& folder, const std::string& phone,
                                                  const std::vector<std::string>& command);

}  // namespace rack
