#pragma once
// The copy an import writes, past the page cache where the file system can: it then takes the
// disk's time, but hardly any of the processor's, which the digests need.

#include <cstdint>
#include <filesystem>
#include <span>

#include "station/base/fd.h"

namespace station::fetcher {

class DirectCopy {
 public:
  // What a direct write's memory, offset and size are multiples of. A disk with larger blocks
  // refuses, and is written through the page cache.
  static constexpr std::size_t kAlignment = 4096;

  // Makes the file, which must not be there yet. kDiskFull when there is no room for `size` bytes.
  [[nodiscard]] static Result<DirectCopy> Create(const std::filesystem::path& path,
                                                 std::uint64_t size);
  // The next bytes of the file. What is not aligned goes through the page cache, as does all after
  // it.
  [[nodiscard]] Status Append(std::span<const std::uint8_t> bytes);
  // To read what was appended.
  [[nodiscard]] const Fd& File() const { return cached_; }
  // Have all bytes up to here gone past the page cache?
  [[nodiscard]] bool Direct() const { return direct_.Valid(); }

 private:
  DirectCopy(Fd cached, Fd direct) : cached_(std::move(cached)), direct_(std::move(direct)) {}
  void BeginWriteBack(std::uint64_t before) const;
  Fd cached_;
  Fd direct_;  // the same file; not valid once the page cache is used
  std::uint64_t size_ = 0;
};

}  // namespace station::fetcher
