#include "station/fetcher/direct_copy.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "station/fetcher/os_image_file.h"

namespace station::fetcher {
namespace {

constexpr std::uint64_t kWriteBack =
    32U << 20U;  // how often the disk is told to begin, so that the last sync is short

}  // namespace

Result<DirectCopy> DirectCopy::Create(const std::filesystem::path& path, std::uint64_t size) {
  Fd cached(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!cached.Valid()) return FailErrno("creating " + path.string(), errno);
  STATION_CHECK(ReserveRoom(cached, size));
  Fd direct(::open(path.c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC));
  return DirectCopy(std::move(cached), std::move(direct));
}

Status DirectCopy::Append(std::span<const std::uint8_t> bytes) {
  if (bytes.size() % kAlignment != 0) direct_.Close();
  while (!bytes.empty()) {
    const int fd = Direct() ? direct_.Get() : cached_.Get();
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EINVAL && Direct()) {
      direct_.Close();
      continue;
    }
    if (n < 0) return FailErrno("writing the copy", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    size_ += static_cast<std::uint64_t>(n);
    if (!Direct()) BeginWriteBack(size_ - static_cast<std::uint64_t>(n));
  }
  return {};
}

void DirectCopy::BeginWriteBack(std::uint64_t before) const {
  const std::uint64_t end = size_ / kWriteBack * kWriteBack;
  if (before < end)
    (void)::sync_file_range(cached_.Get(), static_cast<off_t>(end - kWriteBack), kWriteBack,
                            SYNC_FILE_RANGE_WRITE);
}

}  // namespace station::fetcher
