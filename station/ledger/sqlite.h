#pragma once
// SQLite behind types that close themselves; errors are kLedger (kDiskFull when the disk is).

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "station/base/result.h"

namespace station::ledger {

// A prepared statement being bound and stepped. Positions count from 1 when binding, from 0 when
// reading.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  Statement& Bind(std::int64_t value);
  Statement& Bind(std::string_view text);  // copied
  Statement& BindBlob(std::string_view bytes);

  // True while there is a row.
  [[nodiscard]] Result<bool> Step();
  // For statements without rows.
  [[nodiscard]] Status Run();

  [[nodiscard]] std::int64_t Int(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
  }
  [[nodiscard]] std::string Text(int column) const;

 private:
  struct Reset {
    void operator()(sqlite3_stmt* statement) const noexcept {
      sqlite3_reset(statement);
      sqlite3_clear_bindings(statement);
    }
  };
  std::unique_ptr<sqlite3_stmt, Reset> statement_;  // the cache of the connection owns it
  int bound_ = 0;
};

class Connection {
 public:
  enum class Mode { kReadWrite, kReadOnly };
  [[nodiscard]] static Result<Connection> Open(const std::filesystem::path& path, Mode mode);

  [[nodiscard]] Status Execute(const std::string& sql);
  // Kept prepared for the next time.
  [[nodiscard]] Result<Statement> Prepare(std::string_view sql);

 private:
  struct Close {
    void operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
  };
  explicit Connection(sqlite3* db) : db_(db) {}
  std::unique_ptr<sqlite3, Close> db_;
  std::map<std::string, std::unique_ptr<sqlite3_stmt, Finalize>, std::less<>> prepared_;
};

}  // namespace station::ledger
