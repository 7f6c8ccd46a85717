#include "tests/rack/side/fls.h"

#include <algorithm>

#include "tests/rack/side/little_endian.h"

namespace rack {
namespace {

constexpr std::uint32_t kCode = 0x0C;
constexpr std::size_t kCodeHeader = 40;
constexpr std::uint32_t kTrailer = 0x10;
constexpr std::size_t kTrailerHeader = 24;
constexpr std::size_t kTrailerData = 64;
constexpr std::size_t kSizeAt = 0x10;
constexpr std::size_t kSignatureAt = 0x14;

void Overwrite(Bytes& bytes, std::size_t at, std::size_t value) {
  Bytes number;
  Put32(number, value);
  std::ranges::copy(number, bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace

// The trailer is not only for show: clients that insert a ticket copy some bytes too many, which
// have to lie inside the file.
Bytes WriteFls(Bytes data, std::size_t signature) {
  data.resize(std::max(data.size(), kFlsPrefix + signature));
  Overwrite(data, kSizeAt, data.size());
  Overwrite(data, kSignatureAt, data.size() - signature);
  Bytes file;
  Put32(file, kCode);
  Put32(file, kCodeHeader + data.size());
  file.resize(0x1C);
  Put32(file, data.size());
  Put32(file, 0);
  Put32(file, kCodeHeader);
  file.insert(file.end(), data.begin(), data.end());
  const std::size_t trailer = file.size();
  Put32(file, kTrailer);
  Put32(file, kTrailerHeader + kTrailerData);
  Put32(file, 0);
  Put32(file, kTrailerData);
  Put32(file, 0);
  Put32(file, trailer + kTrailerHeader);
  file.resize(file.size() + kTrailerData);
  return file;
}

std::optional<std::span<const std::uint8_t>> ReadFlsData(std::span<const std::uint8_t> file) {
  std::optional<std::span<const std::uint8_t>> code;
  for (std::size_t at = 0; at < file.size();) {
    const auto type = LittleAt(file, at);
    const auto size = LittleAt(file, at + 4);
    if (!type || !size || *size < kTrailerHeader || *size > file.size() - at) return std::nullopt;
    if (*type == kCode) {
      if (*size < kCodeHeader || code) return std::nullopt;
      code = file.subspan(at + kCodeHeader, *size - kCodeHeader);
    }
    at += *size;
  }
  return code;
}

}  // namespace rack
