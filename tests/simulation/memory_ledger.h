#pragma once
// The ledger in memory: group commits that take time, and what a crash leaves of them.

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "station/daemon/cart/cart.h"
#include "station/ledger/recorder.h"
#include "tests/simulation/clock.h"

namespace station::simulation {

class MemoryLedger : public ledger::Recorder {
 public:
  MemoryLedger(Clock& clock, Random& random) : clock_(clock), random_(random) {}

  void Append(std::vector<ledger::Record> records, Done done) override;
  [[nodiscard]] JobId NextJobId() override { return {++last_job_}; }
  [[nodiscard]] std::int64_t NextArmingId() override { return ++last_arming_; }

  // The daemon is gone: a commit that was under way is whole or not there, and nobody hears of it.
  void Crash();
  // What the next daemon reads at its start.
  [[nodiscard]] daemon::Memory Recall() const;

  // Everything appended is on disk.
  [[nodiscard]] bool Idle() const { return queue_.empty(); }
  [[nodiscard]] const ledger::JobRow* Find(JobId id) const;
  // The restore jobs of a phone, in their order.
  [[nodiscard]] std::vector<const ledger::JobRow*> JobsOf(Ecid ecid) const;
  // Restore jobs without an end.
  [[nodiscard]] std::size_t OpenJobs() const { return open_jobs_.size(); }
  [[nodiscard]] const std::string* Answer(const std::string& request_id) const;
  // Until then every commit fails: the disk is full.
  void FailUntil(Millis time) { full_until_ = time; }

  // What is wrong with a change of a job's row, empty when nothing is; told as it happens.
  std::function<void(const std::string&)> on_fault = [](const std::string&) {};

 private:
  struct Batch {
    std::vector<ledger::Record> records;
    Done done;
  };
  void Commit(std::size_t generation);
  void Apply(const ledger::Record& record);
  void PutJob(const ledger::JobRow& job);

  Clock& clock_;
  Random& random_;
  std::vector<Batch> queue_;
  std::size_t generation_ = 0;
  bool committing_ = false;
  Millis full_until_{0};
  std::int64_t last_job_ = 0;
  std::int64_t last_arming_ = 0;

  std::map<std::int64_t, ledger::JobRow> jobs_;
  std::vector<ledger::AttemptOf> attempts_;
  std::set<std::int64_t> open_jobs_;
  std::map<Ecid, std::vector<std::int64_t>> restores_;
  std::map<std::int64_t, ledger::ArmingRow> armings_;
  std::map<Ecid, ledger::PhoneFacts> phones_;
  std::map<PortKey, std::string> labels_;
  std::map<std::string, std::string> answers_;
  std::map<std::string, std::string> settings_;
};

}  // namespace station::simulation
