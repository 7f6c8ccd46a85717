#pragma once
// What stationd orders over the link: a file imported or fetched, catalogues
// asked, an entry checked or exported.

#include <filesystem>
#include <functional>
#include <string>

#include "station/base/result.h"

namespace station::fetcher {

// Returns when the task has ended; `stop` is asked often. The error is that of the task or of
// getting the orders.
[[nodiscard]] Status CarryOutOrders(const std::filesystem::path& socket, const std::string& task,
                                    const std::function<bool()>& stop);

}  // namespace station::fetcher
