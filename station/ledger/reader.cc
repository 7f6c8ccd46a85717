#include "station/ledger/reader.h"

#include <algorithm>

#include "station/ledger/rows.h"

namespace station::ledger {
namespace {

template <typename Row, typename Read>
Result<std::vector<Row>> All(Statement statement, Read read) {
  std::vector<Row> rows;
  while (true) {
    STATION_TRY(row, statement.Step());
    if (!row) return rows;
    rows.push_back(read(statement));
  }
}

Result<std::vector<StepRow>> Steps(Connection& connection, JobId id) {
  STATION_TRY(
      statement,
      connection.Prepare("SELECT attempt, step, started, ended, bytes FROM steps WHERE job_id = ? "
                         "ORDER BY attempt, started, step"));
  statement.Bind(id.value);
  return All<StepRow>(std::move(statement), [](const Statement& row) {
    StepRow step;
    step.attempt = static_cast<int>(row.Int(0));
    for (const Step known : kAllSteps)
      if (static_cast<std::int64_t>(known) == row.Int(1)) step.step = known;
    step.started = {row.Int(2)};
    step.ended = {row.Int(3)};
    step.bytes = static_cast<std::uint64_t>(row.Int(4));
    return step;
  });
}

AttemptRow ReadAttempt(const Statement& row, int first) {
  AttemptRow attempt;
  attempt.attempt = static_cast<int>(row.Int(first));
  attempt.rung = row.Text(first + 1);
  attempt.error = ErrorCodeFromNumber(static_cast<std::uint32_t>(row.Int(first + 2)))
                      .value_or(ErrorCode::kInternal);
  attempt.ended = {row.Int(first + 3)};
  return attempt;
}

Result<std::vector<AttemptRow>> Attempts(Connection& connection, JobId id) {
  STATION_TRY(statement, connection.Prepare("SELECT attempt, rung, error, ended FROM attempts "
                                            "WHERE job_id = ? ORDER BY attempt"));
  statement.Bind(id.value);
  return All<AttemptRow>(std::move(statement),
                         [](const Statement& row) { return ReadAttempt(row, 0); });
}

std::string JobsSql(const JobQuery& query) {
  std::string sql = "SELECT " + std::string(kJobColumns) + " FROM jobs WHERE id < ?";
  if (query.port) sql += " AND port = ?";
  if (query.running_only) sql += " AND ended = 0";
  if (!query.include_identify) sql += " AND action <> 0";
  return sql + " ORDER BY id DESC LIMIT ?";
}

}  // namespace

Result<Reader> Reader::Open(const std::filesystem::path& path) {
  STATION_TRY(connection, Connection::Open(path, Connection::Mode::kReadOnly));
  return Reader(std::make_unique<State>(std::move(connection)));
}

Result<std::vector<JobRow>> Reader::Jobs(const JobQuery& query) {
  const std::lock_guard lock(state_->mutex);
  STATION_TRY(statement, state_->connection.Prepare(JobsSql(query)));
  statement.Bind(query.before_id > 0 ? query.before_id : INT64_MAX);
  if (query.port) statement.Bind(query.port->value);
  statement.Bind(static_cast<std::int64_t>(query.limit));
  return All<JobRow>(std::move(statement), ReadJob);
}

Result<std::optional<JobRow>> Reader::Job(JobId id) {
  const std::lock_guard lock(state_->mutex);
  static const std::string sql = "SELECT " + std::string(kJobColumns) + " FROM jobs WHERE id = ?";
  std::optional<JobRow> job;
  {
    STATION_TRY(statement, state_->connection.Prepare(sql));
    STATION_TRY(row, statement.Bind(id.value).Step());
    if (!row) return job;
    job = ReadJob(statement);
  }
  STATION_TRY(steps, Steps(state_->connection, id));
  job->steps = std::move(steps);
  STATION_TRY(attempts, Attempts(state_->connection, id));
  job->attempts = std::move(attempts);
  return job;
}

Result<std::vector<AttemptOf>> Reader::LastAttempts(std::size_t limit) {
  const std::lock_guard lock(state_->mutex);
  STATION_TRY(statement,
              state_->connection.Prepare(
                  "SELECT j.port, j.ecid, j.firmware_sha256, a.attempt, a.rung, a.error, a.ended "
                  "FROM attempts a JOIN jobs j ON j.id = a.job_id ORDER BY a.ended DESC LIMIT ?"));
  statement.Bind(static_cast<std::int64_t>(limit));
  STATION_TRY(newest, All<AttemptOf>(std::move(statement), [](const Statement& row) {
                return AttemptOf{{row.Text(0)},
                                 {static_cast<std::uint64_t>(row.Int(1))},
                                 row.Text(2),
                                 ReadAttempt(row, 3)};
              }));
  std::ranges::reverse(newest);
  return newest;
}

Result<std::vector<JobRow>> Reader::LastJobs() {
  const std::lock_guard lock(state_->mutex);
  STATION_TRY(statement,
              state_->connection.Prepare(
                  "SELECT " + std::string(kJobColumns) +
                  " FROM jobs WHERE id IN (SELECT max(id) FROM jobs WHERE action IN (1, 2) "
                  "AND began <> 0 GROUP BY port) AND ended <> 0"));
  return All<JobRow>(std::move(statement), ReadJob);
}

Result<std::vector<ArmingRow>> Reader::Armings(bool active_only) {
  const std::lock_guard lock(state_->mutex);
  std::string sql = "SELECT " + std::string(kArmingColumns) + " FROM armings";
  if (active_only) sql += " WHERE active = 1";
  STATION_TRY(statement, state_->connection.Prepare(sql + " ORDER BY id"));
  return All<ArmingRow>(std::move(statement), ReadArming);
}

Result<std::map<PortKey, std::string>> Reader::Labels() {
  const std::lock_guard lock(state_->mutex);
  STATION_TRY(statement, state_->connection.Prepare("SELECT port, label FROM labels"));
  std::map<PortKey, std::string> labels;
  while (true) {
    STATION_TRY(row, statement.Step());
    if (!row) return labels;
    labels.emplace(PortKey{statement.Text(0)}, statement.Text(1));
  }
}

Result<std::vector<PhoneFacts>> Reader::Phones() {
  const std::lock_guard lock(state_->mutex);
  STATION_TRY(statement,
              state_->connection.Prepare("SELECT " + std::string(kPhoneColumns) + " FROM phones"));
  return All<PhoneFacts>(std::move(statement),
                         [](const Statement& row) { return ReadPhone(row, 0); });
}

Result<std::optional<std::string>> Reader::Answer(const std::string& request_id,
                                                  const std::string& method) {
  const std::lock_guard lock(state_->mutex);
  STATION_TRY(statement,
              state_->connection.Prepare("SELECT method, answer FROM requests WHERE id = ?"));
  STATION_TRY(row, statement.Bind(request_id).Step());
  if (!row) return std::optional<std::string>();
  if (statement.Text(0) != method)
    return Fail(ErrorCode::kBadRequest,
                "request id " + request_id + " was used for " + statement.Text(0));
  return std::optional(statement.Text(1));
}

Result<std::optional<std::string>> Reader::Setting(const std::string& key) {
  const std::lock_guard lock(state_->mutex);
  STATION_TRY(statement, state_->connection.Prepare("SELECT value FROM settings WHERE key = ?"));
  STATION_TRY(row, statement.Bind(key).Step());
  if (!row) return std::optional<std::string>();
  return std::optional(statement.Text(0));
}

Result<std::map<std::string, std::string>> Reader::Settings(const std::string& prefix) {
  const std::lock_guard lock(state_->mutex);
  STATION_TRY(statement,
              state_->connection.Prepare("SELECT key, value FROM settings WHERE substr(key, 1, ?) "
                                         "= ? AND value <> ''"));
  statement.Bind(static_cast<std::int64_t>(prefix.size())).Bind(prefix);
  std::map<std::string, std::string> settings;
  while (true) {
    STATION_TRY(row, statement.Step());
    if (!row) return settings;
    settings.emplace(statement.Text(0), statement.Text(1));
  }
}

}  // namespace station::ledger
