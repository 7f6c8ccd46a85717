#include "station/ledger/schema.h"

#include <array>
#include <string>

namespace station::ledger {
namespace {

// Entry i leads from version i to i + 1. Never changed once released.
const std::array<const char*, kSchemaVersion> kUpgrades = {
    R"sql(
CREATE TABLE jobs(
  id INTEGER PRIMARY KEY, action INTEGER NOT NULL, port TEXT NOT NULL, port_label TEXT NOT NULL,
  ecid INTEGER NOT NULL, udid TEXT NOT NULL, serial_number TEXT NOT NULL, product TEXT NOT NULL,
  product_name TEXT NOT NULL, board TEXT NOT NULL, os_version TEXT NOT NULL, os_build TEXT NOT NULL,
  mode INTEGER NOT NULL, chip_id INTEGER NOT NULL, board_id INTEGER NOT NULL,
  firmware_sha256 TEXT NOT NULL, firmware_version TEXT NOT NULL, arming_id INTEGER NOT NULL, actor TEXT NOT NULL,
  attempt INTEGER NOT NULL, created INTEGER NOT NULL, began INTEGER NOT NULL, ended INTEGER NOT NULL,
  outcome INTEGER NOT NULL, error INTEGER NOT NULL, context TEXT NOT NULL, step INTEGER NOT NULL,
  signer_root TEXT NOT NULL, simulated INTEGER NOT NULL, os_build_after TEXT NOT NULL);
CREATE INDEX jobs_by_port ON jobs(port, id);
CREATE INDEX jobs_running ON jobs(id) WHERE ended = 0;
CREATE TABLE steps(
  job_id INTEGER NOT NULL, attempt INTEGER NOT NULL, step INTEGER NOT NULL, started INTEGER NOT NULL,
  ended INTEGER NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY(job_id, attempt, step, started)) WITHOUT ROWID;
CREATE TABLE armings(
  id INTEGER PRIMARY KEY, ports TEXT NOT NULL, ecids TEXT NOT NULL, serial_numbers TEXT NOT NULL,
  action INTEGER NOT NULL, firmware TEXT NOT NULL, count INTEGER NOT NULL, actor TEXT NOT NULL,
  created INTEGER NOT NULL, expires INTEGER NOT NULL, countdown INTEGER NOT NULL, active INTEGER NOT NULL,
  taken TEXT NOT NULL, let_go_ports TEXT NOT NULL, let_go_phones TEXT NOT NULL);
CREATE TABLE phones(
  ecid INTEGER PRIMARY KEY, udid TEXT NOT NULL, serial_number TEXT NOT NULL, product TEXT NOT NULL,
  product_name TEXT NOT NULL, board TEXT NOT NULL, os_version TEXT NOT NULL, os_build TEXT NOT NULL,
  mode INTEGER NOT NULL, chip_id INTEGER NOT NULL, board_id INTEGER NOT NULL,
  first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL);
CREATE TABLE labels(port TEXT PRIMARY KEY, label TEXT NOT NULL);
CREATE TABLE events(
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, job_id INTEGER NOT NULL, port TEXT NOT NULL,
  actor TEXT NOT NULL, text TEXT NOT NULL);
CREATE TABLE requests(
  id TEXT PRIMARY KEY, method TEXT NOT NULL, answer BLOB NOT NULL, at INTEGER NOT NULL);
CREATE TABLE settings(key TEXT PRIMARY KEY, value TEXT NOT NULL);
)sql",
    R"sql(
CREATE TABLE attempts(
  job_id INTEGER NOT NULL, attempt INTEGER NOT NULL, rung TEXT NOT NULL, error INTEGER NOT NULL,
  ended INTEGER NOT NULL, PRIMARY KEY(job_id, attempt)) WITHOUT ROWID;
CREATE INDEX attempts_by_end ON attempts(ended);
)sql",
};

Result<int> Version(Connection& connection) {
  STATION_TRY(statement, connection.Prepare("PRAGMA user_version"));
  STATION_TRY(row, statement.Step());
  return row ? static_cast<int>(statement.Int(0)) : 0;
}

}  // namespace

Status Upgrade(Connection& connection) {
  STATION_TRY(version, Version(connection));
  if (version > kSchemaVersion)
    return Fail(ErrorCode::kLedger, "the ledger was written by a newer station (schema " +
                                        std::to_string(version) + ", this one knows " +
                                        std::to_string(kSchemaVersion) + ")");
  if (version == kSchemaVersion) return {};
  STATION_CHECK(connection.Execute("BEGIN IMMEDIATE"));
  for (int from = version; from < kSchemaVersion; ++from)
    STATION_CHECK(connection.Execute(kUpgrades[static_cast<std::size_t>(from)]));
  STATION_CHECK(connection.Execute("PRAGMA user_version = " + std::to_string(kSchemaVersion)));
  return connection.Execute("COMMIT");
}

}  // namespace station::ledger
