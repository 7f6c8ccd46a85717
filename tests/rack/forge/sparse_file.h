#pragma once
// Reads a file from front to back without touching its holes, which would fill memory with zeros.

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "station/base/fd.h"
#include "station/base/result.h"

namespace rack {

// Told now and then of long work: what, and how many bytes of how many.
using Progress =
    std::function<void(const std::string& doing, std::uint64_t done, std::uint64_t total)>;

class SparseFile {
 public:
  explicit SparseFile(const station::Fd& file) : file_(file) {}
  // As station::ReadAt.
  [[nodiscard]] station::Status ReadAt(std::uint64_t offset, std::span<std::uint8_t> out);
  // Pieces of `size` bytes from `offset` on.
  using Visit = std::function<station::Status(std::span<const std::uint8_t>)>;
  [[nodiscard]] station::Status ForEachPiece(std::uint64_t offset, std::uint64_t size,
                                             const Visit& visit);

 private:
  const station::Fd& file_;
  // A stretch known to be a hole.
  std::uint64_t hole_begin_ = 0;
  std::uint64_t hole_end_ = 0;
};

}  // namespace rack
