#pragma once
// An owned file descriptor, and whole-file reads and writes with errors as values.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "station/base/result.h"

namespace station {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      Close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { Close(); }

  [[nodiscard]] int Get() const { return fd_; }
  [[nodiscard]] bool Valid() const { return fd_ >= 0; }
  [[nodiscard]] int Release() { return std::exchange(fd_, -1); }
  void Close();
  // A second descriptor for the same open file (close-on-exec).
  [[nodiscard]] Result<Fd> Duplicate() const;

 private:
  int fd_ = -1;
};

// kIo (kDiskFull on ENOSPC) with `doing` and the text of errno.
[[nodiscard]] std::unexpected<Error> FailErrno(std::string_view doing, int error_number);

[[nodiscard]] Result<Fd> OpenForReading(const std::filesystem::path& path);
[[nodiscard]] Result<std::uint64_t> FileSize(const Fd& fd);
// Exactly `out.size()` bytes from `offset`, or an error (a short file is kIo).
[[nodiscard]] Status ReadAt(const Fd& fd, std::uint64_t offset, std::span<std::uint8_t> out);
// All bytes, also on a short write.
[[nodiscard]] Status WriteAll(const Fd& fd, std::span<const std::uint8_t> bytes);
// The whole file; kIo when it is longer than `limit` bytes.
[[nodiscard]] Result<std::string> ReadFile(const std::filesystem::path& path, std::uint64_t limit = 64U << 20U);
// Temp file beside it, fsync, rename, fsync of the folder: after a crash either the old or the new content is there.
[[nodiscard]] Status WriteFileDurably(const std::filesystem::path& path, std::string_view content);
[[nodiscard]] Status SyncDirectory(const std::filesystem::path& folder);

}  // namespace station
