#include "station/fetcher/digest_pass.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <optional>
#include <thread>

#include "station/fetcher/block_ring.h"
#include "station/fetcher/chunk_digests.h"
#include "station/store/reader/index.h"

namespace station::fetcher {
namespace {

constexpr std::uint64_t kBlock = 1U << 20U;  // what a download keeps digests of, too

// A thread that sees every block. The copying, which goes past the page cache, hardly counts; the
// digests of the whole file, of its chunks and of its members are about a third of the work each.
class RingReader {
 public:
  using Take = std::function<void(const BlockRing::Block&)>;
  RingReader(BlockRing& ring, std::size_t reader, Take take)
      : ring_(ring), thread_([&ring, reader, take = std::move(take)] {
          while (const BlockRing::Block* block = ring.Next(reader)) {
            take(*block);
            ring.Done(reader);
          }
        }) {}
  RingReader(const RingReader&) = delete;
  RingReader& operator=(const RingReader&) = delete;
  ~RingReader() { Finish(); }
  void Finish() {
    ring_.Close();
    if (thread_.joinable()) thread_.join();
  }

 private:
  BlockRing& ring_;
  std::jthread thread_;
};

// The digests of the whole file.
struct WholePass {
  Hasher sha256{DigestKind::kSha256};
  std::optional<Hasher> sha1;
  void Take(std::span<const std::uint8_t> bytes) {
    sha256.Update(bytes);
    if (sha1) sha1->Update(bytes);
  }
};

// Members in order, until the first of them is wrong.
struct MembersInOrder {
  MemberPass& members;
  Status status{};
  std::atomic<bool> failed = false;  // what the thread that fills the ring may look at
  void Take(const BlockRing::Block& block) {
    if (status) status = members.Consume(block.offset, block.bytes);
    if (!status) failed = true;
  }
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
  WholePass whole;
  if (expected.sha1) whole.sha1.emplace(DigestKind::kSha1);
  Sha256Chunks chunks{store::kIndexChunk};
  MembersInOrder in_order{members};
  BlockRing ring(kBlock);
  RingReader whole_reader(ring, 0, [&](const auto& block) { whole.Take(block.bytes); });
  RingReader chunk_reader(ring, 1, [&](const auto& block) { chunks.Update(block.bytes); });
  RingReader member_reader(ring, 2, [&](const auto& block) { in_order.Take(block); });
  const std::uint64_t size = feed.Size();
  for (std::uint64_t offset = 0; offset < size && (expected.Anything() || !in_order.failed);) {
    if (hooks.stop()) return Fail(ErrorCode::kCancelled, "the import was stopped");
    const auto block = ring.Free(offset, std::min(kBlock, size - offset));
    STATION_CHECK(feed.Next(block));
    offset += block.size();
    ring.Push();
    hooks.progress(offset, size);
  }
  whole_reader.Finish();
  chunk_reader.Finish();
  member_reader.Finish();
  PassOutcome outcome;
  outcome.members = std::move(in_order.status);
  if (outcome.members || expected.Anything()) STATION_CHECK(feed.End());
  whole.sha256.FinishInto(outcome.digests.sha256);
  if (whole.sha1) whole.sha1->FinishInto(outcome.digests.sha1.emplace());
  outcome.chunks = chunks.Finish();
  return outcome;
}

}  // namespace station::fetcher
