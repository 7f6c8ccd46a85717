#pragma once
// One digest per so many bytes of a stream, the last piece may be short.

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "station/base/digest.h"

namespace station::fetcher {

template <typename Digest, DigestKind kKind>
class ChunkDigests {
 public:
  explicit ChunkDigests(std::uint64_t chunk) : hasher_(kKind), chunk_(chunk) {}

  void Update(std::span<const std::uint8_t> bytes) {
    while (!bytes.empty()) {
      const std::size_t part = std::min<std::uint64_t>(bytes.size(), chunk_ - filled_);
      hasher_.Update(bytes.first(part));
      bytes = bytes.subspan(part);
      filled_ += part;
      if (filled_ == chunk_) Close();
    }
  }
  [[nodiscard]] std::vector<Digest> Finish() {
    if (filled_ > 0) Close();
    return std::exchange(digests_, {});
  }

 private:
  void Close() {
    hasher_.FinishInto(digests_.emplace_back());
    filled_ = 0;
  }
  Hasher hasher_;
  std::uint64_t chunk_;
  std::uint64_t filled_ = 0;
  std::vector<Digest> digests_;
};

using Sha256Chunks = ChunkDigests<Sha256Digest, DigestKind::kSha256>;
using Sha1Chunks = ChunkDigests<Sha1Digest, DigestKind::kSha1>;

}  // namespace station::fetcher
