#include "station/fetcher/digest_pass.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "station/fetcher/block_queue.h"
#include "station/fetcher/chunk_digests.h"
#include "station/store/reader/index.h"

namespace station::fetcher {
namespace {

constexpr std::uint64_t kBlock = 1U << 20U;  // what a download keeps digests of, too

// The second thread: members in order, until the queue is closed or the first of them is wrong.
class MemberThread {
 public:
  explicit MemberThread(MemberPass& members) : members_(members), thread_([this] { Run(); }) {}
  ~MemberThread() { queue_.Close(); }

  BlockQueue& Queue() { return queue_; }
  [[nodiscard]] bool Failed() const { return failed_; }
  [[nodiscard]] Status Join() {
    queue_.Close();
    thread_.join();
    return std::move(status_);
  }

 private:
  void Run() {
    while (auto block = queue_.Pop()) {
      if (status_) status_ = members_.Consume(block->offset, block->bytes);
      if (!status_) failed_ = true;
      queue_.GiveBack(std::move(block->bytes));
    }
  }
  MemberPass& members_;
  BlockQueue queue_;
  Status status_;
  std::atomic<bool> failed_ = false;
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace

Status CheckDigests(const Expected& expected, const FileDigests& actual) {
  if (expected.sha256 && *expected.sha256 != actual.sha256)
    return Fail(ErrorCode::kFirmwareHashMismatch, "the SHA-256 is " + ToHex(actual.sha256) +
                                                      " instead of " + ToHex(*expected.sha256));
  if (expected.sha1 && expected.sha1 != actual.sha1)
    return Fail(ErrorCode::kFirmwareHashMismatch,
                "the SHA-1 is not " + ToHex(*expected.sha1) + ", which the catalogue says");
  return {};
}

Result<PassOutcome> DigestPass(Feed& feed, MemberPass& members, const Expected& expected,
                               const ImportHooks& hooks) {
  PassOutcome outcome;
  Hasher whole(DigestKind::kSha256);
  Hasher whole_sha1(DigestKind::kSha1);
  Sha256Chunks chunks(store::kIndexChunk);
  MemberThread looking(members);
  const std::uint64_t size = feed.Size();
  for (std::uint64_t offset = 0; offset < size && (expected.Anything() || !looking.Failed());) {
    if (hooks.stop()) return Fail(ErrorCode::kCancelled, "the import was stopped");
    std::vector<std::uint8_t> buffer = looking.Queue().TakeBuffer();
    buffer.resize(std::min(kBlock, size - offset));
    STATION_CHECK(feed.Next(buffer));
    whole.Update(buffer);
    if (expected.sha1) whole_sha1.Update(buffer);
    chunks.Update(buffer);
    offset += buffer.size();
    looking.Queue().Push({offset - buffer.size(), std::move(buffer)});
    hooks.progress(offset, size);
  }
  outcome.members = looking.Join();
  if (outcome.members || expected.Anything()) STATION_CHECK(feed.End());
  whole.FinishInto(outcome.digests.sha256);
  if (expected.sha1) whole_sha1.FinishInto(outcome.digests.sha1.emplace());
  outcome.chunks = chunks.Finish();
  return outcome;
}

}  // namespace station::fetcher
