#pragma once
// One record into its table.

#include "station/base/result.h"
#include "station/ledger/records.h"
#include "station/ledger/sqlite.h"

namespace station::ledger {

[[nodiscard]] Status Apply(Connection& connection, const Record& record);

}  // namespace station::ledger
