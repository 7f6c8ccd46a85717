#include "tests/rack/forge/disk_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "station/base/ids.h"
#include "tests/rack/image4/digest.h"

namespace rack {
namespace {

constexpr std::uint64_t kIslandEvery = 16U << 20U;
constexpr std::uint64_t kIsland = 64U << 10U;
constexpr std::size_t kPiece = 16U << 10U;  // compared in the first-level cache
constexpr std::array<std::uint8_t, kPiece> kZeros{};

// Reference 3.7. The device never decrypts here, so the rest of the archive may be anything.
constexpr std::uint32_t kAeaProfile = 1;  // symmetric encryption, no scrypt

void AppendU32(Bytes& bytes, std::size_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8)
    bytes.push_back(static_cast<std::uint8_t>(value >> shift));
}

void AppendAuthEntry(Bytes& bytes, std::string_view key, std::string_view value) {
  AppendU32(bytes, sizeof(std::uint32_t) + key.size() + 1 + value.size());
  bytes.insert(bytes.end(), key.begin(), key.end());
  bytes.push_back(0);
  bytes.insert(bytes.end(), value.begin(), value.end());
}

Bytes AeaHeader(const ImageRecipe& recipe) {
  const std::string name = station::ToHex(
      Hash(HashKind::kSha256, AsBytes(fmt::format("{}/{}", recipe.seed, recipe.path))));
  Bytes auth;
  AppendAuthEntry(auth, "com.apple.wkms.fcs-key-url",
                  fmt::format("http://wkms.rack.invalid/fcs-keys/{}", name));
  AppendAuthEntry(auth, "com.apple.wkms.fcs-response",
                  fmt::format(R"({{"enc-request":"{}","wrapped-key":"{}"}})", name.substr(0, 32),
                              name.substr(32)));
  Bytes header{'A', 'E', 'A', '1'};
  AppendU32(header, kAeaProfile);
  AppendU32(header, auth.size());
  header.insert(header.end(), auth.begin(), auth.end());
  return header;
}

std::uint64_t FirstDifference(std::span<const std::uint8_t> one, const std::uint8_t* other) {
  return static_cast<std::uint64_t>(std::mismatch(one.begin(), one.end(), other).first -
                                    one.begin());
}

}  // namespace

DiskImage::DiskImage(const ImageRecipe& recipe)
    : size_(recipe.size),
      sparse_(recipe.sparse),
      header_(recipe.path.ends_with(".aea") ? AeaHeader(recipe) : Bytes()),
      random_(recipe.seed, recipe.path) {
  header_.resize(std::min<std::size_t>(header_.size(), size_));
}

DiskImage::Stretch DiskImage::StretchAt(std::uint64_t offset) const {
  using enum Stretch::Kind;
  if (offset < header_.size()) return {kHeader, header_.size()};
  if (!sparse_) return {kSeeded, size_};
  const std::uint64_t last = size_ > kIsland ? size_ - kIsland : 0;  // where a trailer would stand
  if (offset >= last) return {kSeeded, size_};
  const std::uint64_t island = offset / kIslandEvery * kIslandEvery;
  if (offset < island + kIsland) return {kSeeded, std::min(island + kIsland, last)};
  return {kZeros, std::min(island + kIslandEvery, last)};
}

void DiskImage::FillWithin(const Stretch& stretch, std::uint64_t offset,
                           std::span<std::uint8_t> out) const {
  switch (stretch.kind) {
    case Stretch::Kind::kHeader:
      std::memcpy(out.data(), header_.data() + offset, out.size());
      return;
    case Stretch::Kind::kSeeded:
      return random_.Fill(offset, out);
    case Stretch::Kind::kZeros:
      std::memset(out.data(), 0, out.size());
  }
}

void DiskImage::Fill(std::uint64_t offset, std::span<std::uint8_t> out) const {
  while (!out.empty()) {
    const Stretch stretch = StretchAt(offset);
    const auto length =
        static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), stretch.end - offset));
    FillWithin(stretch, offset, out.first(length));
    offset += length;
    out = out.subspan(length);
  }
}

std::optional<std::uint64_t> DiskImage::MismatchWithin(const Stretch& stretch, std::uint64_t offset,
                                                       std::span<const std::uint8_t> bytes) const {
  std::array<std::uint8_t, kPiece> made;
  const bool zeros = stretch.kind == Stretch::Kind::kZeros;
  const std::uint8_t* const wanted = zeros ? kZeros.data() : made.data();
  if (!zeros) FillWithin(stretch, offset, std::span(made).first(bytes.size()));
  if (std::memcmp(bytes.data(), wanted, bytes.size()) == 0) return std::nullopt;
  return offset + FirstDifference(bytes, wanted);
}

std::optional<std::uint64_t> DiskImage::Mismatch(std::uint64_t offset,
                                                 std::span<const std::uint8_t> bytes) const {
  while (!bytes.empty()) {
    if (offset >= size_) return offset;
    const Stretch stretch = StretchAt(offset);
    const auto length = static_cast<std::size_t>(
        std::min<std::uint64_t>({bytes.size(), stretch.end - offset, kPiece}));
    if (const auto at = MismatchWithin(stretch, offset, bytes.first(length))) return at;
    offset += length;
    bytes = bytes.subspan(length);
  }
  return std::nullopt;
}

const ImageRecipe* FindRecipe(const std::vector<ImageRecipe>& recipes,
                              std::span<const std::uint8_t> digest) {
  for (const ImageRecipe& recipe : recipes)
    for (const Bytes& own : recipe.digests)
      if (std::ranges::equal(own, digest)) return &recipe;
  return nullptr;
}

}  // namespace rack
