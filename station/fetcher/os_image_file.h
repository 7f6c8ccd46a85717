#pragma once
// os.img of an entry: the deflated OS images of a firmware, inflated one after the other, each
// beginning at a chunk.

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "station/base/fd.h"
#include "station/base/result.h"
#include "station/fetcher/chunk_digests.h"
#include "station/store/reader/index.h"

namespace station::fetcher {

class OsImageFile {
 public:
  explicit OsImageFile(std::filesystem::path path)
      : path_(std::move(path)), chunks_(store::kIndexChunk) {}

  // The offset of the next image, for which there is room. Makes the file when it is the first.
  [[nodiscard]] Result<std::uint64_t> Begin(std::uint64_t image_size);
  [[nodiscard]] Status Append(std::span<const std::uint8_t> bytes);
  [[nodiscard]] std::uint64_t Size() const { return size_; }
  [[nodiscard]] std::vector<Sha256Digest> FinishChunks() { return chunks_.Finish(); }

 private:
  std::filesystem::path path_;
  Fd fd_;
  std::uint64_t size_ = 0;
  Sha256Chunks chunks_;
};

// Reserves the room at once, so that a full disk is known before the work and not after it.
[[nodiscard]] Status ReserveRoom(const Fd& fd, std::uint64_t size);

}  // namespace station::fetcher
