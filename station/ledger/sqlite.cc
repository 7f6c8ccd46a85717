#include "station/ledger/sqlite.h"

namespace station::ledger {
namespace {

std::unexpected<Error> FailSqlite(sqlite3* db, std::string_view doing) {
  const int code = db == nullptr ? SQLITE_NOMEM : sqlite3_errcode(db);
  const ErrorCode error = code == SQLITE_FULL ? ErrorCode::kDiskFull : ErrorCode::kLedger;
  return Fail(error,
              std::string(doing) + ": " + (db == nullptr ? "no memory" : sqlite3_errmsg(db)));
}

constexpr int kBusyMilliseconds = 5000;

}  // namespace

Statement& Statement::Bind(std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), ++bound_, value);
  return *this;
}

Statement& Statement::Bind(std::string_view text) {
  // A null pointer would bind NULL; an empty text is meant.
  const char* data = text.data() == nullptr ? "" : text.data();
  sqlite3_bind_text64(statement_.get(), ++bound_, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::BindBlob(std::string_view bytes) {
  sqlite3_bind_blob64(statement_.get(), ++bound_, bytes.data() == nullptr ? "" : bytes.data(),
                      bytes.size(), SQLITE_TRANSIENT);
  return *this;
}

Result<bool> Statement::Step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return FailSqlite(sqlite3_db_handle(statement_.get()), "asking the ledger");
}

Status Statement::Run() {
  STATION_TRY(row, Step());
  static_cast<void>(row);
  return {};
}

std::string Statement::Text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), size);
}

Result<Connection> Connection::Open(const std::filesystem::path& path, Mode mode) {
  sqlite3* db = nullptr;
  const int flags =
      mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int code = sqlite3_open_v2(path.c_str(), &db, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Connection connection(db);
  if (code != SQLITE_OK) return FailSqlite(db, "opening " + path.string());
  sqlite3_busy_timeout(db, kBusyMilliseconds);
  return connection;
}

Status Connection::Execute(const std::string& sql) {
  if (sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    return FailSqlite(db_.get(), sql.substr(0, 40));
  return {};
}

Result<Statement> Connection::Prepare(std::string_view sql) {
  auto found = prepared_.find(sql);
  if (found == prepared_.end()) {
    sqlite3_stmt* raw = nullptr;
    const int code = sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    if (code != SQLITE_OK) return FailSqlite(db_.get(), sql.substr(0, 40));
    found = prepared_.emplace(std::string(sql), raw).first;
  }
  return Statement(found->second.get());
}

}  // namespace station::ledger
