#pragma once
// The tables, and how an older file becomes a newer one.

#include "station/base/result.h"
#include "station/ledger/sqlite.h"

namespace station::ledger {

inline constexpr int kSchemaVersion = 2;

// Makes or upgrades the tables in one transaction. kLedger when the file was written by a newer
// version.
[[nodiscard]] Status Upgrade(Connection& connection);

}  // namespace station::ledger
