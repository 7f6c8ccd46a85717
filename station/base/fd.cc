#include "station/base/fd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace station {

void Fd::Close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<Fd> Fd::Duplicate() const {
  const int copy = ::fcntl(fd_, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return FailErrno("duplicating a descriptor", errno);
  return Fd(copy);
}

std::unexpected<Error> FailErrno(std::string_view doing, int error_number) {
  const ErrorCode code = error_number == ENOSPC || error_number == EDQUOT ? ErrorCode::kDiskFull : ErrorCode::kIo;
  char buffer[128];
  return Fail(code, std::string(doing) + ": " + ::strerror_r(error_number, buffer, sizeof buffer));
}

Result<Fd> OpenForReading(const std::filesystem::path& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.Valid()) return FailErrno("opening " + path.string(), errno);
  return fd;
}

Result<std::uint64_t> FileSize(const Fd& fd) {
  struct stat info {};
  if (::fstat(fd.Get(), &info) != 0) return FailErrno("asking a file's size", errno);
  return static_cast<std::uint64_t>(info.st_size);
}

Status ReadAt(const Fd& fd, std::uint64_t offset, std::span<std::uint8_t> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t n = ::pread(fd.Get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FailErrno("reading", errno);
    if (n == 0) return Fail(ErrorCode::kIo, "reading: the file ends at byte " + std::to_string(offset + done));
    done += static_cast<std::size_t>(n);
  }
  return {};
}

Status WriteAll(const Fd& fd, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd.Get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FailErrno("writing", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Result<std::string> ReadFile(const std::filesystem::path& path, std::uint64_t limit) {
  STATION_TRY(fd, OpenForReading(path));
  std::string content;
  std::size_t size = 0;
  while (true) {
    content.resize(size + 65536);  // on the heap: some threads that read files have small stacks
    const ssize_t n = ::read(fd.Get(), content.data() + size, content.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FailErrno("reading " + path.string(), errno);
    size += static_cast<std::size_t>(n);
    if (n == 0) {
      content.resize(size);
      return content;
    }
    if (size > limit)
      return Fail(ErrorCode::kIo, path.string() + " is longer than " + std::to_string(limit) + " bytes");
  }
}

Status SyncDirectory(const std::filesystem::path& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.Valid() || ::fsync(fd.Get()) != 0) return FailErrno("syncing " + folder.string(), errno);
  return {};
}

Status WriteFileDurably(const std::filesystem::path& path, std::string_view content) {
  std::string temp = path.string() + ".XXXXXX";
  Fd fd(::mkostemp(temp.data(), O_CLOEXEC));
  if (!fd.Valid()) return FailErrno("creating " + temp, errno);
  auto fail = [&](std::unexpected<Error> error) {
    ::unlink(temp.c_str());
    return error;
  };
  ::fchmod(fd.Get(), 0644);
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(content.data()), content.size());
  if (auto written = WriteAll(fd, bytes); !written) return fail(Fail(std::move(written).error(), temp));
  if (::fsync(fd.Get()) != 0) return fail(FailErrno("syncing " + temp, errno));
  if (::rename(temp.c_str(), path.c_str()) != 0) return fail(FailErrno("renaming to " + path.string(), errno));
  return SyncDirectory(path.has_parent_path() ? path.parent_path() : ".");
}

}  // namespace station
