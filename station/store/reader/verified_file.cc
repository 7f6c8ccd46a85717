#include "station/store/reader/verified_file.h"

#include <algorithm>

#include "station/base/digest.h"
#include "station/store/reader/index.h"

namespace station::store {

Status VerifiedFile::Load(std::uint64_t chunk) const {
  if (chunk == loaded_) return {};
  loaded_ = kNone;
  const std::uint64_t offset = chunk * kIndexChunk;
  bytes_.resize(std::min(kIndexChunk, size_ - offset));
  if (auto read = ReadAt(fd_, offset, bytes_); !read)
    return Fail(ErrorCode::kFirmwareRotted, read.error().context);
  if (Sha256Of(bytes_) != chunks_[chunk])
    return Fail(ErrorCode::kFirmwareRotted, "bytes " + std::to_string(offset) + " to " +
                                                std::to_string(offset + bytes_.size()) +
                                                " are not those imported");
  loaded_ = chunk;
  return {};
}

Status VerifiedFile::Visit(
    std::uint64_t offset, std::uint64_t size,
    const std::function<Status(std::span<const std::uint8_t>)>& visit) const {
  if (offset > size_ || size > size_ - offset)
    return Fail(ErrorCode::kFirmwareRotted, "a range beyond the end of the file");
  const std::scoped_lock lock(mutex_);
  while (size > 0) {
    STATION_CHECK(Load(offset / kIndexChunk));
    const std::uint64_t skip = offset % kIndexChunk;
    const std::uint64_t part = std::min(size, bytes_.size() - skip);
    STATION_CHECK(visit(std::span<const std::uint8_t>(bytes_).subspan(skip, part)));
    offset += part;
    size -= part;
  }
  return {};
}

}  // namespace station::store
