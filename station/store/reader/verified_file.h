#pragma once
// A file whose every byte is checked against the SHA-256 of its 1 MiB chunk before it is handed
// out.

#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "station/base/fd.h"
#include "station/base/ids.h"
#include "station/base/result.h"

namespace station::store {

class VerifiedFile {
 public:
  // Borrows the digests: one per chunk of the first `size` bytes.
  VerifiedFile(Fd fd, std::uint64_t size, std::span<const Sha256Digest> chunks)
      : fd_(std::move(fd)), size_(size), chunks_(chunks) {}

  // Calls `visit` with the bytes of the range in order, piece by piece. kFirmwareRotted when they
  // are not those of the import or cannot be read; errors of `visit` are passed on. May be called
  // from several threads, one at a time works.
  [[nodiscard]] Status Visit(
      std::uint64_t offset, std::uint64_t size,
      const std::function<Status(std::span<const std::uint8_t>)>& visit) const;
  [[nodiscard]] const Fd& File() const { return fd_; }

 private:
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};
  [[nodiscard]] Status Load(std::uint64_t chunk) const;

  Fd fd_;
  std::uint64_t size_;
  std::span<const Sha256Digest> chunks_;
  // The last chunk read: small members lie side by side.
  mutable std::mutex mutex_;
  mutable std::vector<std::uint8_t> bytes_;
  mutable std::uint64_t loaded_ = kNone;
};

}  // namespace station::store
