#pragma once
// A whole file mapped read-only: pages are the system's to drop, so that a reader's own memory
// stays small.

#include <cstdint>
#include <span>
#include <utility>

#include "station/base/fd.h"
#include "station/base/result.h"

namespace station::store {

class MappedFile {
 public:
  MappedFile() = default;
  // kIo. An empty file is an empty span.
  [[nodiscard]] static Result<MappedFile> Map(const Fd& fd);
  MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MappedFile();
  [[nodiscard]] std::span<const std::uint8_t> Bytes() const { return bytes_; }

 private:
  std::span<const std::uint8_t> bytes_;
};

}  // namespace station::store
