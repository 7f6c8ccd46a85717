#pragma once
// Reads what the ledger remembers for the start.

#include "station/base/result.h"
#include "station/daemon/cart/cart.h"
#include "station/ledger/reader.h"

namespace station::daemon {

[[nodiscard]] Result<Memory> ReadMemory(ledger::Reader& reader);

}  // namespace station::daemon
