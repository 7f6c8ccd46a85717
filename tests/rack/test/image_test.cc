// The bytes of forged disk images: made anywhere, compared anywhere.

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/rack/forge/disk_image.h"
#include "tests/rack/forge/marker.h"

namespace rack {
namespace {

constexpr std::uint64_t kMiB = 1U << 20U;

Bytes Made(const DiskImage& image, std::uint64_t offset, std::size_t size) {
  Bytes bytes(size);
  image.Fill(offset, bytes);
  return bytes;
}

TEST(RandomSource, AnyStretchIsPartOfTheWhole) {
  const RandomSource source(7, "900-1.dmg");
  Bytes whole(100'000);
  source.Fill(0, whole);
  for (const std::size_t offset : {0U, 1U, 4095U, 4096U, 4097U, 50'000U, 99'999U})
    for (const std::size_t size : {1U, 8U, 4096U, 20'000U}) {
      Bytes part(std::min(size, whole.size() - offset));
      source.Fill(offset, part);
      EXPECT_TRUE(std::ranges::equal(part, std::span(whole).subspan(offset, part.size())))
          << offset << "+" << size;
    }
}

TEST(RandomSource, SeedAndNameDecide) {
  const auto first = [](std::uint64_t seed, std::string_view name) {
    Bytes bytes(64);
    RandomSource(seed, name).Fill(0, bytes);
    return bytes;
  };
  EXPECT_EQ(first(1, "a"), first(1, "a"));
  EXPECT_NE(first(1, "a"), first(2, "a"));
  EXPECT_NE(first(1, "a"), first(1, "b"));
}

struct Image {
  const char* name;
  ImageRecipe recipe;
};
void PrintTo(const Image& row, std::ostream* out) { *out << row.name; }

class Images : public testing::TestWithParam<Image> {};

TEST_P(Images, AgreeWithThemselvesAndWithNothingElse) {
  const DiskImage image(GetParam().recipe);
  const std::uint64_t size = image.Size();
  for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{63} << 10U, kMiB, size / 2,
                                     16 * kMiB - 5, size - size % kMiB, size - 1}) {
    if (offset >= size) continue;
    Bytes bytes = Made(image, offset, std::min<std::uint64_t>(200'000, size - offset));
    EXPECT_EQ(image.Mismatch(offset, bytes), std::nullopt) << offset;
    for (const std::size_t at : {std::size_t{0}, bytes.size() / 2, bytes.size() - 1}) {
      bytes[at] ^= 1U;
      EXPECT_EQ(image.Mismatch(offset, bytes), offset + at);
      bytes[at] ^= 1U;
    }
  }
  Bytes beyond = Made(image, size - 1, 1);
  beyond.push_back(0);
  EXPECT_EQ(image.Mismatch(size - 1, beyond), size);
}

ImageRecipe Recipe(const char* path, std::uint64_t size, bool sparse) {
  return {.seed = 5, .path = path, .size = size, .sparse = sparse, .digests = {}};
}

INSTANTIATE_TEST_SUITE_P(Table, Images,
                         testing::Values(Image{"Full", Recipe("a.dmg", 20 * kMiB + 3, false)},
                                         Image{"Sparse", Recipe("a.dmg", 40 * kMiB + 3, true)},
                                         Image{"SparseArchive",
                                               Recipe("a.dmg.aea", 40 * kMiB, true)},
                                         Image{"Huge", Recipe("a.dmg", 8192 * kMiB + 1, true)},
                                         Image{"Tiny", Recipe("a.dmg.aea", 10, false)}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(DiskImage, SparseOneIsMostlyZerosAndEndsInData) {
  const DiskImage image(Recipe("a.dmg", 64 * kMiB, true));
  std::uint64_t zeros = 0;
  for (std::uint64_t at = 0; at < image.Size(); at += kMiB)
    zeros += static_cast<std::uint64_t>(std::ranges::count(Made(image, at, kMiB), 0));
  EXPECT_GT(zeros, image.Size() / 100 * 98);
  EXPECT_NE(Made(image, image.Size() - 512, 512), Bytes(512));
  EXPECT_NE(Made(image, 0, 512), Bytes(512));
}

// Reference 3.7: magic, profile, length of the auth data, entries of length, key, value.
TEST(DiskImage, AnArchiveBeginsWithItsAuthData) {
  const Bytes bytes = Made(DiskImage(Recipe("a.dmg.aea", kMiB, false)), 0, 4096);
  const auto number = [&](std::size_t at) {
    return bytes[at] | bytes[at + 1] << 8U | bytes[at + 2] << 16U | bytes[at + 3] << 24U;
  };
  EXPECT_EQ(AsText(std::span(bytes).first(4)), "AEA1");
  std::vector<std::string> keys;
  const std::size_t end = 12U + static_cast<std::size_t>(number(8));
  std::size_t at = 12;
  while (at < end) {
    const auto length = static_cast<std::size_t>(number(at));
    ASSERT_GT(length, 4U);
    keys.emplace_back(reinterpret_cast<const char*>(bytes.data() + at + 4));
    at += length;
  }
  EXPECT_EQ(at, end);
  EXPECT_EQ(keys, (std::vector<std::string>{"com.apple.wkms.fcs-key-url",
                                            "com.apple.wkms.fcs-response"}));
}

TEST(Marker, CarriesDigestsAndRecipes) {
  Marker marker;
  marker.behaviour = "Erase";
  marker.digests["d20ap"]["Cryptex1,AppOS"] = Bytes(48, 3);
  marker.images = {Recipe("a.dmg", 8192 * kMiB, true), Recipe("b.dmg.aea", 5, false)};
  marker.images[0].digests = {Bytes(20, 1), Bytes(48, 2)};
  const auto read = ReadMarker(WriteMarker(marker));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->digests, marker.digests);
  ASSERT_EQ(read->images.size(), 2U);
  EXPECT_EQ(read->images[0].size, 8192 * kMiB);
  EXPECT_TRUE(read->images[0].sparse);
  EXPECT_EQ(read->images[0].seed, 5U);
  EXPECT_EQ(read->images[1].path, "b.dmg.aea");
  EXPECT_EQ(FindRecipe(read->images, Bytes(48, 2)), &read->images[0]);
  EXPECT_EQ(FindRecipe(read->images, Bytes(48, 3)), nullptr);
  EXPECT_EQ(FindRecipe(read->images, Bytes()), nullptr);
}

}  // namespace
}  // namespace rack
