#include "station/ledger/apply.h"

#include <algorithm>
#include <string>

#include "station/ledger/rows.h"

namespace station::ledger {
namespace {

std::string InsertSql(std::string_view table, std::string_view columns, std::string_view verb) {
  std::string marks = "?";
  for (auto commas = std::ranges::count(columns, ','); commas > 0; --commas) marks += ",?";
  return std::string(verb) + " INTO " + std::string(table) + "(" + std::string(columns) +
         ") VALUES(" + marks + ")";
}

constexpr std::string_view kReplace = "INSERT OR REPLACE";

Status Put(Connection& connection, const PutJob& put) {
  static const std::string sql = InsertSql("jobs", kJobColumns, kReplace);
  STATION_TRY(statement, connection.Prepare(sql));
  BindJob(statement, put.job);
  return statement.Run();
}

Status Put(Connection& connection, const PutStep& put) {
  static const std::string sql =
      InsertSql("steps", "job_id, attempt, step, started, ended, bytes", kReplace);
  STATION_TRY(statement, connection.Prepare(sql));
  const StepRow& step = put.step;
  statement.Bind(put.job.value)
      .Bind(std::int64_t{step.attempt})
      .Bind(static_cast<std::int64_t>(step.step))
      .Bind(step.started.value)
      .Bind(step.ended.value)
      .Bind(static_cast<std::int64_t>(step.bytes));
  return statement.Run();
}

Status Put(Connection& connection, const PutAttempt& put) {
  static const std::string sql =
      InsertSql("attempts", "job_id, attempt, rung, error, ended", kReplace);
  STATION_TRY(statement, connection.Prepare(sql));
  statement.Bind(put.job.value)
      .Bind(std::int64_t{put.attempt.attempt})
      .Bind(put.attempt.rung)
      .Bind(static_cast<std::int64_t>(put.attempt.error))
      .Bind(put.attempt.ended.value);
  return statement.Run();
}

Status Put(Connection& connection, const PutArming& put) {
  static const std::string sql = InsertSql("armings", kArmingColumns, kReplace);
  STATION_TRY(statement, connection.Prepare(sql));
  BindArming(statement, put.arming);
  return statement.Run();
}

// What a phone does not say in recovery or DFU mode is kept from the last time it did.
Status Put(Connection& connection, const PutPhone& put) {
  static const std::string sql =
      InsertSql("phones", std::string(kPhoneColumns) + ", first_seen, last_seen", "INSERT") +
      " ON CONFLICT(ecid) DO UPDATE SET mode = excluded.mode, last_seen = excluded.last_seen,"
      " udid = coalesce(nullif(excluded.udid, ''), udid),"
      " serial_number = coalesce(nullif(excluded.serial_number, ''), serial_number),"
      " product = coalesce(nullif(excluded.product, ''), product),"
      " product_name = coalesce(nullif(excluded.product_name, ''), product_name),"
      " board = coalesce(nullif(excluded.board, ''), board),"
      " os_version = coalesce(nullif(excluded.os_version, ''), os_version),"
      " os_build = coalesce(nullif(excluded.os_build, ''), os_build),"
      " chip_id = coalesce(nullif(excluded.chip_id, 0), chip_id),"
      " board_id = coalesce(nullif(excluded.board_id, 0), board_id)";
  STATION_TRY(statement, connection.Prepare(sql));
  BindPhone(statement, put.phone);
  statement.Bind(put.seen.value).Bind(put.seen.value);
  return statement.Run();
}

Status Put(Connection& connection, const PutLabel& put) {
  if (put.label.empty()) {
    STATION_TRY(statement, connection.Prepare("DELETE FROM labels WHERE port = ?"));
    return statement.Bind(put.port.value).Run();
  }
  STATION_TRY(statement,
              connection.Prepare("INSERT OR REPLACE INTO labels(port, label) VALUES(?,?)"));
  return statement.Bind(put.port.value).Bind(put.label).Run();
}

Status Put(Connection& connection, const PutEvent& put) {
  STATION_TRY(statement,
              connection.Prepare(
                  "INSERT INTO events(at, kind, job_id, port, actor, text) VALUES(?,?,?,?,?,?)"));
  const EventRow& event = put.event;
  statement.Bind(event.at.value)
      .Bind(event.kind)
      .Bind(event.job_id)
      .Bind(event.port)
      .Bind(event.actor);
  return statement.Bind(event.text).Run();
}

Status Put(Connection& connection, const PutAnswer& put) {
  STATION_TRY(
      statement,
      connection.Prepare("INSERT OR IGNORE INTO requests(id, method, answer, at) VALUES(?,?,?,?)"));
  return statement.Bind(put.request_id)
      .Bind(put.method)
      .BindBlob(put.answer)
      .Bind(put.at.value)
      .Run();
}

Status Put(Connection& connection, const PutSetting& put) {
  STATION_TRY(statement,
              connection.Prepare("INSERT OR REPLACE INTO settings(key, value) VALUES(?,?)"));
  return statement.Bind(put.key).Bind(put.value).Run();
}

}  // namespace

Status Apply(Connection& connection, const Record& record) {
  return std::visit([&](const auto& put) { return Put(connection, put); }, record);
}

}  // namespace station::ledger
