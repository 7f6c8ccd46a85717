#include "station/fetcher/copy_pass.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <thread>

#include "station/fetcher/block_queue.h"
#include "station/fetcher/chunk_digests.h"
#include "station/store/reader/index.h"

namespace station::fetcher {
namespace {

constexpr std::uint64_t kBlock = 1U << 20U;
constexpr std::uint64_t kWriteBack =
    32U << 20U;  // how often the disk is told to begin, so that the last sync is short

std::unexpected<Error> Changed(std::string how) {
  return Fail(ErrorCode::kFirmwareUnreadable,
              "the source " + std::move(how) + " while it was read");
}

// Fills `out`; a shorter answer means the end of the file.
Result<std::size_t> ReadSource(const Fd& source, std::uint64_t offset,
                               std::span<std::uint8_t> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t n = ::pread(source.Get(), out.data() + done, out.size() - done,
                              static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return Fail(ErrorCode::kFirmwareUnreadable,
                  FailErrno("reading the source", errno).error().context);
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

Status RequireEnd(const Fd& source, std::uint64_t size) {
  std::array<std::uint8_t, 1> more{};
  STATION_TRY(n, ReadSource(source, size, more));
  if (n != 0) return Changed("grew");
  return {};
}

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

Result<CopyOutcome> CopyAndDigest(const Fd& source, std::uint64_t size, const Fd& copy,
                                  MemberPass& members, bool finish_anyway,
                                  const ImportHooks& hooks) {
  CopyOutcome outcome;
  Hasher whole(DigestKind::kSha256);
  Sha256Chunks chunks(store::kIndexChunk);
  MemberThread looking(members);
  for (std::uint64_t offset = 0; offset < size && (finish_anyway || !looking.Failed());) {
    if (hooks.stop()) return Fail(ErrorCode::kCancelled, "the import was stopped");
    std::vector<std::uint8_t> buffer = looking.Queue().TakeBuffer();
    buffer.resize(std::min(kBlock, size - offset));
    STATION_TRY(n, ReadSource(source, offset, buffer));
    if (n < buffer.size()) return Changed("shrank");
    STATION_CHECK(WriteAll(copy, buffer));
    whole.Update(buffer);
    chunks.Update(buffer);
    looking.Queue().Push({offset, std::move(buffer)});
    offset += n;
    if (offset % kWriteBack == 0)
      (void)::sync_file_range(copy.Get(), static_cast<off_t>(offset - kWriteBack), kWriteBack,
                              SYNC_FILE_RANGE_WRITE);
    hooks.progress(offset, size);
  }
  outcome.members = looking.Join();
  if (outcome.members || finish_anyway) STATION_CHECK(RequireEnd(source, size));
  whole.FinishInto(outcome.sha256);
  outcome.chunks = chunks.Finish();
  return outcome;
}

}  // namespace station::fetcher
