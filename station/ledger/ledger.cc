#include "station/ledger/ledger.h"

#include <utility>

#include "station/ledger/apply.h"
#include "station/ledger/schema.h"

namespace station::ledger {
namespace {

Result<std::int64_t> MaxId(Connection& connection, std::string_view sql) {
  STATION_TRY(statement, connection.Prepare(sql));
  STATION_TRY(row, statement.Step());
  return row ? statement.Int(0) : 0;
}

}  // namespace

Result<std::unique_ptr<Ledger>> Ledger::Open(const std::filesystem::path& path, Post post,
                                             CommitObserver observer) {
  STATION_TRY(connection, Connection::Open(path, Connection::Mode::kReadWrite));
  STATION_CHECK(connection.Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"));
  STATION_CHECK(Upgrade(connection));
  std::unique_ptr<Ledger> ledger(
      new Ledger(std::move(connection), std::move(post), std::move(observer)));
  STATION_CHECK(ledger->ReadLastIds());
  ledger->writer_ = std::thread([raw = ledger.get()] { raw->Write(); });
  return ledger;
}

Ledger::Ledger(Connection connection, Post post, CommitObserver observer)
    : connection_(std::move(connection)), post_(std::move(post)), observer_(std::move(observer)) {}

Ledger::~Ledger() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (writer_.joinable()) writer_.join();
}

Status Ledger::ReadLastIds() {
  STATION_TRY(job, MaxId(connection_, "SELECT coalesce(max(id), 0) FROM jobs"));
  STATION_TRY(arming, MaxId(connection_, "SELECT coalesce(max(id), 0) FROM armings"));
  last_job_ = job;
  last_arming_ = arming;
  return {};
}

void Ledger::Append(std::vector<Record> records, Done done) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back({std::move(records), std::move(done)});
  }
  wake_.notify_one();
}

void Ledger::Write() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    std::vector<Batch> batches = std::exchange(queue_, {});
    lock.unlock();
    CommitAll(batches);
    lock.lock();
  }
}

// One commit for all; should that fail, one each, so that the error stays with what caused it.
void Ledger::CommitAll(std::vector<Batch>& batches) {
  const auto answer = [&](Batch& batch, Status status) {
    if (batch.done)
      post_([done = std::move(batch.done), status = std::move(status)] { done(status); });
  };
  std::vector<const Batch*> all;
  for (const Batch& batch : batches) all.push_back(&batch);
  if (Commit(all)) {
    for (Batch& batch : batches) answer(batch, {});
    return;
  }
  for (Batch& batch : batches) answer(batch, Commit({&batch}));
}

Status Ledger::Commit(const std::vector<const Batch*>& batches) {
  const auto began = std::chrono::steady_clock::now();
  const auto write = [&]() -> Status {
    STATION_CHECK(connection_.Execute("BEGIN IMMEDIATE"));
    for (const Batch* batch : batches)
      for (const Record& record : batch->records) STATION_CHECK(Apply(connection_, record));
    return connection_.Execute("COMMIT");
  };
  Status status = write();
  if (!status) static_cast<void>(connection_.Execute("ROLLBACK"));
  if (observer_) observer_(std::chrono::steady_clock::now() - began);
  return status;
}

}  // namespace station::ledger
