// The index: what is written is read back, and nothing that was tampered with is believed.

#include "station/store/reader/index.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "station/base/digest.h"
#include "store_world.h"

namespace station::store {
namespace {

using testing::AsBytes;

constexpr std::size_t kHeader = 88;
constexpr std::size_t kRecord = 64;

IndexContent SmallContent() {
  IndexContent content;
  content.ipsw_size = kIndexChunk + 5;
  content.ipsw_sha256 = {1, 2, 3};
  content.ipsw_chunks = {{4}, {5}};
  content.os_image_size = 10;
  content.os_image_chunks = {{6}};
  firmware::ZipMember stored{"z/stored", 100, 200'000, 200'000, firmware::ZipMethod::kStored, 7, 8};
  firmware::ZipMember deflated{"a/deflated", 300'000, 5, 10, firmware::ZipMethod::kDeflated, 9, 0};
  firmware::ZipMember small{"m", 400'000, 1, 1, firmware::ZipMethod::kStored, 3, 0};
  content.members.push_back({stored, std::vector<Sha1Digest>{{1}, {2}}, 0});
  content.members.push_back({deflated, std::vector<Sha1Digest>{{3}}, 0});
  content.members.push_back({small, std::nullopt, 0});
  return content;
}

TEST(Index, RoundTrip) {
  const std::string bytes = FormatIndex(SmallContent());
  const auto index = Index::Parse(AsBytes(bytes));
  ASSERT_TRUE(index) << index.error().context;
  EXPECT_EQ(index->IpswSize(), kIndexChunk + 5);
  EXPECT_EQ(index->IpswSha256(), (Sha256Digest{1, 2, 3}));
  EXPECT_EQ(index->IpswChunks()[1], Sha256Digest{5});
  EXPECT_EQ(index->OsImageChunks()[0], Sha256Digest{6});
  ASSERT_EQ(index->MemberCount(), 3U);
  EXPECT_EQ(index->Member(0).name, "a/deflated");
  const auto stored = index->Find("z/stored");
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->data_offset, 100U);
  EXPECT_EQ(stored->image_offset, 100U);
  EXPECT_EQ(stored->unix_mode, 8U);
  EXPECT_EQ(stored->asr_digests[1], Sha1Digest{2});
  EXPECT_EQ(index->Find("a/deflated")->asr_digests[0], Sha1Digest{3});
  EXPECT_FALSE(index->Find("m")->is_image);
  EXPECT_FALSE(index->Find("b"));
  EXPECT_FALSE(index->Find(""));
  EXPECT_FALSE(index->Find("zz"));
}

TEST(Index, EveryTruncation_IsRefused) {
  const std::string bytes = FormatIndex(SmallContent());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(Index::Parse(AsBytes(bytes).first(size)).error().code, ErrorCode::kFirmwareRotted);
}

TEST(Index, EveryFlippedBit_IsRefused) {
  const std::string bytes = FormatIndex(SmallContent());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string bad = bytes;
    bad[bit / 8] ^= static_cast<char>(1U << (bit % 8));
    EXPECT_EQ(Index::Parse(AsBytes(bad)).error().code, ErrorCode::kFirmwareRotted) << bit;
  }
}

// Lies with a right digest: whoever can write an index must still not get a reader out of bounds.
struct LieCase {
  std::string name;
  std::size_t at;
  std::uint64_t value;
  int size;
  ErrorCode code = ErrorCode::kFirmwareRotted;
};
class IndexLie : public ::testing::TestWithParam<LieCase> {};

TEST_P(IndexLie, IsRefused) {
  std::string bytes = FormatIndex(SmallContent());
  std::memcpy(bytes.data() + GetParam().at, &GetParam().value, GetParam().size);
  const Sha256Digest digest = Sha256Of(AsBytes(bytes).first(bytes.size() - 32));
  std::memcpy(bytes.data() + bytes.size() - 32, digest.data(), 32);
  const auto index = Index::Parse(AsBytes(bytes));
  ASSERT_FALSE(index);
  EXPECT_EQ(index.error().code, GetParam().code) << index.error().context;
}

// Records, by name: a/deflated, m, z/stored.
constexpr std::size_t kFirst = kHeader + 3 * 32;
constexpr std::size_t kLast = kFirst + 2 * kRecord;
constexpr std::uint64_t kHuge = ~std::uint64_t{0} - 3;

INSTANTIATE_TEST_SUITE_P(
    Cases, IndexLie,
    ::testing::Values(
        LieCase{"Version", 8, 2, 4, ErrorCode::kFirmwareUnsupported},
        LieCase{"ChunkSize", 12, 4096, 4, ErrorCode::kFirmwareUnsupported},
        LieCase{"IpswSize", 16, kHuge, 8}, LieCase{"IpswOneChunkLess", 16, 5, 8},
        LieCase{"OsImageSize", 56, kHuge, 8}, LieCase{"MemberCount", 64, kHuge, 8},
        LieCase{"MemberCountWraps", 64, std::uint64_t{1} << 58U, 8},
        LieCase{"DigestCount", 72, kHuge, 8}, LieCase{"NamesSize", 80, kHuge, 8},
        LieCase{"NameOffset", kFirst, 0xffffffff, 4},
        LieCase{"NameSize", kFirst + 4, 0xffffffff, 4}, LieCase{"EmptyName", kFirst + 4, 0, 4},
        LieCase{"NamesOutOfOrder", kLast, 0, 4}, LieCase{"DataOffset", kFirst + 8, kHuge, 8},
        LieCase{"PackedSize", kFirst + 16, kHuge, 8}, LieCase{"StoredSize", kLast + 24, 100, 8},
        LieCase{"StoredImageElsewhere", kLast + 32, 0, 8},
        LieCase{"ImageOffset", kFirst + 32, 1, 8}, LieCase{"ImageSize", kFirst + 24, 11, 8},
        LieCase{"FirstDigest", kFirst + 40, 3, 8},
        LieCase{"FirstDigestWraps", kFirst + 40, kHuge, 8}, LieCase{"Method", kFirst + 56, 12, 4},
        LieCase{"Reserved", kFirst + 60, 1, 4}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace station::store
