#pragma once
// The writing end: a queue, one thread, group commit. Intent before action: do the thing in the
// callback.

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "station/base/result.h"
#include "station/ledger/recorder.h"
#include "station/ledger/sqlite.h"

namespace station::ledger {

class Ledger : public Recorder {
 public:
  // Brings a completed callback to the thread that asked; called from the writer's thread.
  using Post = std::function<void(std::function<void()>)>;
  using CommitObserver = std::function<void(std::chrono::duration<double>)>;

  // Makes or upgrades the file. kLedger, kDiskFull.
  [[nodiscard]] static Result<std::unique_ptr<Ledger>> Open(const std::filesystem::path& path,
                                                            Post post,
                                                            CommitObserver observer = nullptr);
  // Writes what is queued; its callbacks are still posted.
  ~Ledger() override;
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  void Append(std::vector<Record> records, Done done = nullptr) override;

  // Not thread-safe: the state thread's alone.
  [[nodiscard]] JobId NextJobId() override { return {++last_job_}; }
  [[nodiscard]] std::int64_t NextArmingId() override { return ++last_arming_; }

 private:
  struct Batch {
    std::vector<Record> records;
    Done done;
  };
  Ledger(Connection connection, Post post, CommitObserver observer);
  [[nodiscard]] Status ReadLastIds();
  void Write();
  void CommitAll(std::vector<Batch>& batches);
  [[nodiscard]] Status Commit(const std::vector<const Batch*>& batches);

  Connection connection_;  // the writer thread's, once it runs
  Post post_;
  CommitObserver observer_;
  std::int64_t last_job_ = 0;
  std::int64_t last_arming_ = 0;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Batch> queue_;
  bool stopping_ = false;
  std::thread writer_;
};

}  // namespace station::ledger
