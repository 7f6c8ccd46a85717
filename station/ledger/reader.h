#pragma once
// The reading end: answers from any thread, never waits for the writer (WAL).

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "station/base/result.h"
#include "station/ledger/records.h"
#include "station/ledger/sqlite.h"

namespace station::ledger {

struct JobQuery {
  std::int64_t before_id = 0;  // 0: from the newest
  std::size_t limit = 100;
  std::optional<PortKey> port = std::nullopt;
  bool running_only = false;
  bool include_identify = false;
};

class Reader {
 public:
  // The file must exist (the Ledger makes it). kLedger.
  [[nodiscard]] static Result<Reader> Open(const std::filesystem::path& path);

  [[nodiscard]] Result<std::vector<JobRow>> Jobs(
      const JobQuery& query);                                 // newest first, without steps
  [[nodiscard]] Result<std::optional<JobRow>> Job(JobId id);  // with steps and attempts
  // The newest `limit` of all restore jobs, in the order in which they ended.
  [[nodiscard]] Result<std::vector<AttemptOf>> LastAttempts(std::size_t limit);
  [[nodiscard]] Result<std::vector<JobRow>>
  LastJobs();  // the last ended restore job of each port that began
  [[nodiscard]] Result<std::vector<ArmingRow>> Armings(bool active_only);
  [[nodiscard]] Result<std::map<PortKey, std::string>> Labels();
  [[nodiscard]] Result<std::vector<PhoneFacts>> Phones();
  // The stored answer of a request; nothing when it was never given. kBadRequest when another
  // method used the id.
  [[nodiscard]] Result<std::optional<std::string>> Answer(const std::string& request_id,
                                                          const std::string& method);
  [[nodiscard]] Result<std::optional<std::string>> Setting(const std::string& key);
  // Those that are not empty and whose key begins with `prefix`, by key.
  [[nodiscard]] Result<std::map<std::string, std::string>> Settings(const std::string& prefix);

 private:
  struct State {
    explicit State(Connection opened) : connection(std::move(opened)) {}
    std::mutex mutex;
    Connection connection;
  };
  explicit Reader(std::unique_ptr<State> state) : state_(std::move(state)) {}
  std::unique_ptr<State> state_;
};

}  // namespace station::ledger
