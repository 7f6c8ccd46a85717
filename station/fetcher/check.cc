#include "station/fetcher/check.h"

#include <fcntl.h>

#include <algorithm>
#include <chrono>

#include "station/base/digest.h"
#include "station/store/keeper/shelf.h"
#include "station/store/reader/index.h"
#include "station/store/reader/mapped_file.h"

namespace station::fetcher {
namespace {

using std::chrono::steady_clock;

// A file of the entry, as the index knows it.
struct Part {
  std::string_view name;
  const Fd* fd = nullptr;
  std::uint64_t size = 0;
  std::span<const Sha256Digest> chunks;
};

class Reading {
 public:
  Reading(const CheckRequest& request, const ImportHooks& hooks, std::uint64_t total)
      : request_(request), hooks_(hooks), total_(total) {}

  Status Pass(const Part& part) {
    STATION_TRY(size, FileSize(*part.fd));
    if (size != part.size) return Rotted(part, "it has " + std::to_string(size) + " bytes");
    for (std::size_t i = 0; i < part.chunks.size(); ++i) {
      const std::uint64_t offset = i * store::kIndexChunk;
      const std::uint64_t count = std::min(store::kIndexChunk, part.size - offset);
      done_ += count;
      if (done_ <= request_.from) continue;
      STATION_CHECK(PassChunk(part, i, offset, count));
      STATION_CHECK(Rest());
    }
    return {};
  }

 private:
  static std::unexpected<Error> Rotted(const Part& part, const std::string& how) {
    return Fail(ErrorCode::kFirmwareRotted, std::string(part.name) + ": " + how);
  }

  Status PassChunk(const Part& part, std::size_t i, std::uint64_t offset, std::uint64_t count) {
    (void)::posix_fadvise(part.fd->Get(), static_cast<off_t>(offset), static_cast<off_t>(count),
                          POSIX_FADV_DONTNEED);
    bytes_.resize(count);
    if (auto read = ReadAt(*part.fd, offset, bytes_); !read)
      return Rotted(part, read.error().context);
    if (Sha256Of(bytes_) == part.chunks[i]) return {};
    return Rotted(part, "bytes " + std::to_string(offset) + " to " +
                            std::to_string(offset + count) + " are not those imported");
  }

  // No faster than ordered, and no further once it is to stop.
  Status Rest() {
    hooks_.progress(done_, total_);
    if (hooks_.stop()) return Fail(ErrorCode::kCancelled, "the check was stopped");
    if (request_.bytes_per_second == 0) return {};
    const std::chrono::duration<double> due(static_cast<double>(done_ - request_.from) /
                                            static_cast<double>(request_.bytes_per_second));
    const auto early = due - (steady_clock::now() - began_);
    if (early.count() > 0 && !request_.pause(std::chrono::ceil<std::chrono::milliseconds>(early)))
      return Fail(ErrorCode::kCancelled, "the check was stopped");
    return {};
  }

  const CheckRequest& request_;
  const ImportHooks& hooks_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  steady_clock::time_point began_ = steady_clock::now();
  std::vector<std::uint8_t> bytes_;
};

}  // namespace

Status Check(const CheckRequest& request, const ImportHooks& hooks) {
  STATION_TRY(shelf, store::Shelf::Open(request.store, store::StaleIncoming::kKeep));
  STATION_TRY(files, shelf.OpenForWorker(request.sha256));
  STATION_TRY(mapped, store::MappedFile::Map(files.index));
  STATION_TRY(index, store::Index::Parse(mapped.Bytes()));
  if (index.IpswSha256() != request.sha256)
    return Fail(ErrorCode::kFirmwareRotted, "the index is another firmware's");
  if (files.os_image.has_value() != (index.OsImageSize() != 0))
    return Fail(ErrorCode::kFirmwareRotted, "os.img is not as the index says");
  Reading reading(request, hooks, index.IpswSize() + index.OsImageSize());
  STATION_CHECK(
      reading.Pass({store::Shelf::kIpswFile, &files.ipsw, index.IpswSize(), index.IpswChunks()}));
  if (!files.os_image) return {};
  return reading.Pass(
      {store::Shelf::kOsImageFile, &*files.os_image, index.OsImageSize(), index.OsImageChunks()});
}

}  // namespace station::fetcher
