#include "station/fetcher/os_image_file.h"

#include <fcntl.h>

#include <cerrno>

namespace station::fetcher {

Status ReserveRoom(const Fd& fd, std::uint64_t size) {
  if (size == 0) return {};
  while (::fallocate(fd.Get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size)) != 0) {
    if (errno == EINTR) continue;
    if (errno == EOPNOTSUPP || errno == ENOSYS) return {};
    return FailErrno("reserving " + std::to_string(size) + " bytes in the store", errno);
  }
  return {};
}

Result<std::uint64_t> OsImageFile::Begin(std::uint64_t image_size) {
  if (!fd_.Valid()) {
    fd_ = Fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!fd_.Valid()) return FailErrno("creating " + path_.string(), errno);
  }
  if (size_ % store::kIndexChunk != 0) {
    const std::vector<std::uint8_t> padding(store::kIndexChunk - size_ % store::kIndexChunk);
    STATION_CHECK(Append(padding));
  }
  STATION_CHECK(ReserveRoom(fd_, size_ + image_size));
  return size_;
}

Status OsImageFile::Append(std::span<const std::uint8_t> bytes) {
  if (auto written = WriteAll(fd_, bytes); !written)
    return Fail(std::move(written).error(), path_.string());
  chunks_.Update(bytes);
  size_ += bytes.size();
  return {};
}

}  // namespace station::fetcher
