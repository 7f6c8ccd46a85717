#include "tests/simulation/memory_ledger.h"

#include <algorithm>

namespace station::simulation {
namespace {

using namespace std::chrono_literals;

template <typename... Calls>
struct Overloaded : Calls... {
  using Calls::operator()...;
};
template <typename... Calls>
Overloaded(Calls...) -> Overloaded<Calls...>;

}  // namespace

void MemoryLedger::Append(std::vector<ledger::Record> records, Done done) {
  queue_.push_back({std::move(records), std::move(done)});
  if (std::exchange(committing_, true)) return;
  clock_.After(random_.Time(1ms, 15ms), [this, generation = generation_] { Commit(generation); });
}

// One commit for all that is queued.
void MemoryLedger::Commit(std::size_t generation) {
  if (generation != generation_) return;
  committing_ = false;
  std::vector<Batch> batches = std::exchange(queue_, {});
  const bool full = clock_.Time() < full_until_;
  for (const Batch& batch : batches)
    if (!full)
      for (const ledger::Record& record : batch.records) Apply(record);
  for (Batch& batch : batches)
    if (batch.done)
      batch.done(full ? Status(Fail(ErrorCode::kDiskFull, "as the run wants")) : Status());
}

void MemoryLedger::Crash() {
  ++generation_;
  committing_ = false;
  const std::vector<Batch> batches = std::exchange(queue_, {});
  if (random_.Chance(0.5))
    for (const Batch& batch : batches)
      for (const ledger::Record& record : batch.records) Apply(record);
  last_job_ = jobs_.empty() ? 0 : jobs_.rbegin()->first;
  last_arming_ = armings_.empty() ? 0 : armings_.rbegin()->first;
}

void MemoryLedger::Apply(const ledger::Record& record) {
  std::visit(
      Overloaded{
          [&](const ledger::PutJob& put) { PutJob(put.job); }, [&](const ledger::PutStep&) {},
          [&](const ledger::PutAttempt& put) {
            const ledger::JobRow& job = jobs_[put.job.value];
            attempts_.push_back({job.port, job.phone.ecid, job.firmware_sha256, put.attempt});
          },
          [&](const ledger::PutArming& put) { armings_[put.arming.id] = put.arming; },
          [&](const ledger::PutPhone& put) { phones_[put.phone.ecid] = put.phone; },
          [&](const ledger::PutLabel& put) { labels_[put.port] = put.label; },
          [&](const ledger::PutEvent&) {},
          [&](const ledger::PutAnswer& put) { answers_.try_emplace(put.request_id, put.answer); },
          [&](const ledger::PutSetting& put) { settings_[put.key] = put.value; }},
      record);
}

void MemoryLedger::PutJob(const ledger::JobRow& job) {
  const auto before = jobs_.find(job.id.value);
  if (before != jobs_.end()) {
    const ledger::JobRow& old = before->second;
    const std::string name = "job " + std::to_string(job.id.value);
    if (old.port != job.port || old.action != job.action)
      on_fault(name + " is another one in the ledger now");
    if (job.action != Action::kIdentify && old.phone.ecid != job.phone.ecid)
      on_fault(name + " is bound to another phone now");
    if (job.attempt < old.attempt) on_fault(name + " went back to an earlier attempt");
    if (old.ended.value != 0 && job.attempt == old.attempt &&
        (job.ended.value == 0 || job.outcome != old.outcome))
      on_fault(name + " had ended, and ends otherwise now");
    if (old.began.value != 0 && job.began.value == 0) on_fault(name + " has not begun any more");
  }
  if (before == jobs_.end() && job.action != Action::kIdentify)
    restores_[job.phone.ecid].push_back(job.id.value);
  jobs_[job.id.value] = job;
  if (job.action == Action::kIdentify) return;
  if (job.ended.value == 0)
    open_jobs_.insert(job.id.value);
  else
    open_jobs_.erase(job.id.value);
}

daemon::Memory MemoryLedger::Recall() const {
  daemon::Memory memory;
  memory.labels = labels_;
  for (const auto& [ecid, phone] : phones_) memory.phones.push_back(phone);
  for (const auto& [id, arming] : armings_) memory.armings.push_back(arming);
  std::map<PortKey, const ledger::JobRow*> last;
  for (const auto& [id, job] : jobs_) {
    if (job.action != Action::kIdentify && job.began.value != 0) last[job.port] = &job;
    if (job.ended.value == 0) memory.open_jobs.push_back(job);
  }
  std::ranges::reverse(memory.open_jobs);  // the newest first, as the reader gives them
  for (const auto& [port, job] : last)
    if (job->ended.value != 0 && !IsTry(job->action)) memory.last_jobs.push_back(*job);
  memory.attempts = attempts_;
  const auto stop = settings_.find("emergency_stop");
  memory.emergency_stop = stop != settings_.end() && stop->second == "1";
  return memory;
}

const ledger::JobRow* MemoryLedger::Find(JobId id) const {
  const auto found = jobs_.find(id.value);
  return found == jobs_.end() ? nullptr : &found->second;
}

std::vector<const ledger::JobRow*> MemoryLedger::JobsOf(Ecid ecid) const {
  std::vector<const ledger::JobRow*> jobs;
  if (const auto found = restores_.find(ecid); found != restores_.end())
    for (const std::int64_t id : found->second) jobs.push_back(&jobs_.at(id));
  return jobs;
}

const std::string* MemoryLedger::Answer(const std::string& request_id) const {
  const auto found = answers_.find(request_id);
  return found == answers_.end() ? nullptr : &found->second;
}

}  // namespace station::simulation
