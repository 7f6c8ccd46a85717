#pragma once
// An import on stationd's order: orders come over the link, progress and the end go back. When the
// daemon goes away the import goes on and is reported once more if the daemon came back.

#include <filesystem>
#include <functional>
#include <string>

#include "station/base/result.h"

namespace station::fetcher {

// Returns when the import has ended; `stop` is asked often. The error is that of the import or of
// getting the orders.
[[nodiscard]] Status ImportOnOrders(const std::filesystem::path& socket, const std::string& task,
                                    const std::function<bool()>& stop);

}  // namespace station::fetcher
