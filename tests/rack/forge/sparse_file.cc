#include "tests/rack/forge/sparse_file.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace rack {
namespace {

constexpr std::size_t kPiece = 1U << 20U;

}  // namespace

station::Status SparseFile::ReadAt(std::uint64_t offset, std::span<std::uint8_t> out) {
  const std::uint64_t end = offset + out.size();
  if (offset < hole_begin_ || end > hole_end_) {
    // Behind the last data there is none; such a tail, and a file system that knows no holes, is
    // simply read.
    const off_t data = lseek(file_.Get(), static_cast<off_t>(offset), SEEK_DATA);
    hole_begin_ = offset;
    hole_end_ = data < 0 ? offset : static_cast<std::uint64_t>(data);
  }
  if (end > hole_end_) return station::ReadAt(file_, offset, out);
  std::memset(out.data(), 0, out.size());
  return {};
}

station::Status SparseFile::ForEachPiece(std::uint64_t offset, std::uint64_t size,
                                         const Visit& visit) {
  std::vector<std::uint8_t> piece(kPiece);
  for (std::uint64_t at = 0; at < size; at += kPiece) {
    const auto part = std::span(piece).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, size - at)));
    STATION_CHECK(ReadAt(offset + at, part));
    STATION_CHECK(visit(part));
  }
  return {};
}

}  // namespace rack
