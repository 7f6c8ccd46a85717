#include "tests/rack/forge/ftab.h"

#include <algorithm>

namespace rack {
namespace {

constexpr std::size_t kHeader = 48;
constexpr std::size_t kMagicAt = 36;
constexpr std::string_view kMagic = "ftab";
constexpr std::size_t kCountAt = 40;
constexpr std::size_t kEntry = 16;
constexpr std::size_t kTag = 4;

void PutU32(Bytes& bytes, std::size_t at, std::size_t value) {
  for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
}

std::size_t U32(std::span<const std::uint8_t> bytes, std::size_t at) {
  std::size_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value |= static_cast<std::size_t>(bytes[at + i]) << (8 * i);
  return value;
}

}  // namespace

Bytes WriteFtab(const std::map<std::string, Bytes>& parts) {
  Bytes bytes(kHeader + parts.size() * kEntry);
  PutU32(bytes, 0, 1);
  PutU32(bytes, 4, 0xFFFFFFFF);
  std::ranges::copy(AsBytes("rkos"), bytes.begin() + 32);
  std::ranges::copy(AsBytes(kMagic), bytes.begin() + kMagicAt);
  PutU32(bytes, kCountAt, parts.size());
  std::size_t entry = kHeader;
  for (const auto& [tag, part] : parts) {
    std::ranges::copy(AsBytes(tag).first(std::min(tag.size(), kTag)),
                      bytes.begin() + static_cast<std::ptrdiff_t>(entry));
    PutU32(bytes, entry + 4, bytes.size());
    PutU32(bytes, entry + 8, part.size());
    entry += kEntry;
    bytes.insert(bytes.end(), part.begin(), part.end());
  }
  return bytes;
}

bool IsFtab(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= kHeader && AsText(bytes.subspan(kMagicAt, kMagic.size())) == kMagic;
}

std::optional<std::span<const std::uint8_t>> FtabPart(std::span<const std::uint8_t> bytes,
                                                      std::string_view tag) {
  if (!IsFtab(bytes)) return std::nullopt;
  const std::size_t count = std::min(U32(bytes, kCountAt), (bytes.size() - kHeader) / kEntry);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t entry = kHeader + i * kEntry;
    if (AsText(bytes.subspan(entry, kTag)) != tag) continue;
    const std::size_t offset = U32(bytes, entry + 4);
    const std::size_t size = U32(bytes, entry + 8);
    if (offset > bytes.size() || size > bytes.size() - offset) return std::nullopt;
    return bytes.subspan(offset, size);
  }
  return std::nullopt;
}

}  // namespace rack
