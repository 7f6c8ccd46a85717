// The copy of an import: whatever its size and the file system, it has the bytes it was given.

#include "station/fetcher/direct_copy.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "station/base/digest.h"
#include "station/fetcher/block_ring.h"
#include "store_world.h"

namespace station::fetcher {
namespace {

namespace fs = std::filesystem;
using testing::AsBytes;
using testing::AsText;
using testing::kMayNotMount;
using testing::Noise;
using testing::OnFileSystem;
using testing::StoreWorld;

constexpr std::size_t kBlock = 1U << 20U;

bool TakesDirectWrites(const fs::path& folder) {
  return Fd(::open((folder / "probe").c_str(), O_WRONLY | O_CREAT | O_DIRECT | O_CLOEXEC, 0600))
      .Valid();
}

struct Copied {
  std::string bytes;
  bool direct = false;
};
// As an import does it: blocks of the ring, one after the other, and read back.
Result<Copied> CopyByBlocks(const fs::path& path, const std::string& content) {
  STATION_TRY(copy, DirectCopy::Create(path, content.size()));
  BlockRing ring(kBlock);
  for (std::size_t at = 0; at < content.size();) {
    const auto block = ring.Free(at, std::min(kBlock, content.size() - at));
    std::ranges::copy(AsBytes(content).subspan(at, block.size()), block.begin());
    STATION_CHECK(copy.Append(block));
    at += block.size();
    ring.Push();
    for (std::size_t reader = 0; reader < BlockRing::kReaders; ++reader) {
      EXPECT_EQ(ring.Next(reader)->bytes.data(), block.data());
      ring.Done(reader);
    }
  }
  std::vector<std::uint8_t> back(content.size());
  STATION_CHECK(ReadAt(copy.File(), 0, back));
  return Copied{AsText(back), copy.Direct()};
}

struct SizeCase {
  const char* name;
  std::size_t size;
};
class DirectCopySizes : public StoreWorld, public ::testing::WithParamInterface<SizeCase> {
 protected:
  const std::string content_ = Noise(GetParam().size, 7);
};

TEST_P(DirectCopySizes, ReadBackAsTheyWere) {
  const auto copied = CopyByBlocks(folder_ / "copy", content_);
  ASSERT_TRUE(copied) << copied.error().context;
  EXPECT_EQ(copied->bytes, content_);
  EXPECT_EQ(fs::file_size(folder_ / "copy"), content_.size());
  const bool aligned = content_.size() % DirectCopy::kAlignment == 0;
  EXPECT_EQ(copied->direct, aligned && TakesDirectWrites(folder_));
}

// ramfs knows nothing but the page cache.
TEST_P(DirectCopySizes, ReadBackWhereDirectWritesAreRefused) {
  const auto ended = OnFileSystem(store_, "ramfs", "", [&] {
    if (TakesDirectWrites(store_)) return 1;
    const auto copied = CopyByBlocks(store_ / "copy", content_);
    if (!copied) return 2;
    return copied->bytes == content_ && !copied->direct ? 0 : 3;
  });
  if (!ended) GTEST_SKIP() << kMayNotMount;
  EXPECT_EQ(*ended, 0);
}

INSTANTIATE_TEST_SUITE_P(Sizes, DirectCopySizes,
                         ::testing::Values(SizeCase{"Empty", 0}, SizeCase{"FewBytes", 5},
                                           SizeCase{"OnePage", 4096}, SizeCase{"OneBlock", kBlock},
                                           SizeCase{"ManyBlocks", 11 * kBlock},
                                           SizeCase{"BlocksAndAPage", 2 * kBlock + 4096},
                                           SizeCase{"BlocksAndAByte", 2 * kBlock + 1},
                                           SizeCase{"BlocksLessAByte", 3 * kBlock - 1}),
                         [](const auto& param) { return param.param.name; });

class DirectCopyTest : public StoreWorld {};

TEST_F(DirectCopyTest, UnalignedPieces_AreCopiedAllTheSame) {
  const std::string content = Noise(5 * 4096 + 1000, 8);
  auto copy = DirectCopy::Create(folder_ / "copy", content.size());
  ASSERT_TRUE(copy);
  // Aligned in size but hardly in memory; then in neither, at an odd offset.
  ASSERT_TRUE(copy->Append(AsBytes(content).first(4096)));
  ASSERT_TRUE(copy->Append(AsBytes(content).subspan(4096, 1001)));
  ASSERT_TRUE(copy->Append(AsBytes(content).subspan(4096 + 1001)));
  std::vector<std::uint8_t> back(content.size());
  ASSERT_TRUE(ReadAt(copy->File(), 0, back));
  EXPECT_EQ(AsText(back), content);
}

TEST_F(DirectCopyTest, FileThatIsThere_IsNotTouched) {
  const fs::path path = Write("copy", "before");
  EXPECT_FALSE(DirectCopy::Create(path, 4096));
  EXPECT_EQ(ReadFile(path).value(), "before");
}

TEST_F(DirectCopyTest, FullDisk_IsSaidSo) {
  const auto ended = OnFileSystem(store_, "tmpfs", "size=1m", [&] {
    const auto reserved = DirectCopy::Create(store_ / "a", 2 * kBlock);
    if (reserved || reserved.error().code != ErrorCode::kDiskFull) return 1;
    // Less was announced than comes.
    fs::remove(store_ / "a");
    const auto copied = [&]() -> Status {
      STATION_TRY(copy, DirectCopy::Create(store_ / "b", 0));
      return copy.Append(std::vector<std::uint8_t>(2 * kBlock));
    }();
    return !copied && copied.error().code == ErrorCode::kDiskFull ? 0 : 2;
  });
  if (!ended) GTEST_SKIP() << kMayNotMount;
  EXPECT_EQ(*ended, 0);
}

}  // namespace
}  // namespace station::fetcher
