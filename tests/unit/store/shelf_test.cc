// The shelf: entries whole or not at all, found by their beginnings, not removed while in use.

#include "station/store/keeper/shelf.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "store_world.h"

namespace station::store {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Entry MakeEntry(const std::string& sha256_begin, const std::string& version = "18.1",
                const std::string& build = "22B83") {
  Entry entry;
  entry.sha256 = *ParseSha256(sha256_begin + std::string(64 - sha256_begin.size(), '7'));
  entry.size = 3;
  entry.version = version;
  entry.build = build;
  entry.products = {"iPhone10,1"};
  entry.source = "/a b/c.ipsw";
  entry.added_unix = 1'700'000'000;
  return entry;
}

class ShelfTest : public testing::StoreWorld {
 protected:
  Incoming Fill(const std::string& task = "one") {
    Incoming incoming = shelf_.NewIncoming(task).value();
    std::ofstream(incoming.Folder() / Shelf::kIpswFile) << "abc";
    std::ofstream(incoming.Folder() / Shelf::kIndexFile) << "index";
    return incoming;
  }
  Entry Put(const Entry& entry) {
    const auto committed = shelf_.Commit(Fill(), entry);
    EXPECT_TRUE(committed) << committed.error().context;
    return entry;
  }
  Shelf shelf_ = Open();
};

TEST_F(ShelfTest, Folders_HaveTheirModes) {
  auto mode = [](const fs::path& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return info.st_mode & 0777U;
  };
  EXPECT_EQ(mode(store_ / "objects"), 0755U);
  EXPECT_EQ(mode(store_ / "incoming"), 0700U);
  EXPECT_EQ(mode(store_ / "quarantine"), 0700U);
  const Entry entry = Put(MakeEntry("aa"));
  EXPECT_EQ(mode(ObjectFolder(entry)), 0755U);
  EXPECT_EQ(mode(ObjectFolder(entry) / Shelf::kIpswFile), 0444U);
}

TEST_F(ShelfTest, Committed_IsListedNewestSystemFirst) {
  const Entry old = Put(MakeEntry("aa", "9.3.5", "13G36"));
  const Entry newer = Put(MakeEntry("bb", "18.1", "22B83"));
  const Entry beta = Put(MakeEntry("cc", "18.1", "22B9"));
  EXPECT_THAT(shelf_.List().value(), ElementsAre(newer, beta, old));
  EXPECT_EQ(IncomingCount(), 0U);
}

TEST_F(ShelfTest, CommitOfWhatIsThere_DropsTheIncomingCopy) {
  const Entry entry = Put(MakeEntry("aa"));
  EXPECT_EQ(shelf_.Commit(Fill(), entry).error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(IncomingCount(), 0U);
  EXPECT_EQ(ObjectCount(), 1U);
}

TEST_F(ShelfTest, CommitWithoutAnIndex_IsRefused) {
  Incoming incoming = shelf_.NewIncoming("one").value();
  std::ofstream(incoming.Folder() / Shelf::kIpswFile) << "abc";
  EXPECT_FALSE(shelf_.Commit(std::move(incoming), MakeEntry("aa")));
  EXPECT_EQ(IncomingCount() + ObjectCount(), 0U);
}

TEST_F(ShelfTest, Find_ByUniqueBeginning) {
  const Entry one = Put(MakeEntry("abc1"));
  const Entry two = Put(MakeEntry("abc2"));
  EXPECT_EQ(shelf_.Find("abc1").value(), one);
  EXPECT_EQ(shelf_.Find("ABC2").value(), two);
  EXPECT_EQ(shelf_.Find(ToHex(two.sha256)).value(), two);
  EXPECT_EQ(shelf_.Find("abc").error().code, ErrorCode::kBadRequest);
  EXPECT_THAT(shelf_.Find("abc").error().context, HasSubstr(ToHex(one.sha256)));
  EXPECT_EQ(shelf_.Find("abd").error().code, ErrorCode::kNotFound);
  for (const std::string bad : {"", "xyz", "../abc", "abc 1"})
    EXPECT_EQ(shelf_.Find(bad).error().code, ErrorCode::kBadRequest) << bad;
  EXPECT_EQ(shelf_.Find(std::string(65, 'a')).error().code, ErrorCode::kBadRequest);
}

TEST_F(ShelfTest, NewestFor_IsTheNewestOfThatProduct) {
  Put(MakeEntry("aa", "17.0"));
  const Entry newest = Put(MakeEntry("bb", "18.1"));
  Entry other = MakeEntry("cc", "26.0");
  other.products = {"iPhone17,1"};
  Put(other);
  EXPECT_EQ(shelf_.NewestFor("iPhone10,1").value(), newest);
  EXPECT_EQ(shelf_.NewestFor("iPhone17,1").value(), other);
  EXPECT_EQ(shelf_.NewestFor("iPhone1,1").error().code, ErrorCode::kFirmwareAbsent);
}

TEST_F(ShelfTest, Descriptors_AreReadOnly) {
  const Entry entry = Put(MakeEntry("aa"));
  const auto files = shelf_.OpenForWorker(entry.sha256);
  ASSERT_TRUE(files);
  EXPECT_FALSE(files->os_image);
  EXPECT_EQ(FileSize(files->ipsw).value(), 3U);
  EXPECT_FALSE(WriteAll(files->ipsw, std::vector<std::uint8_t>{1}));
  EXPECT_EQ(shelf_.OpenForWorker(Sha256Digest{}).error().code, ErrorCode::kFirmwareAbsent);
}

TEST_F(ShelfTest, LeasedEntry_IsNotRemoved) {
  const Entry entry = Put(MakeEntry("aa"));
  {
    auto one = shelf_.Hold(entry.sha256).value();
    auto two = shelf_.Hold(entry.sha256).value();
    one = std::move(two);
    EXPECT_TRUE(shelf_.Leased(entry.sha256));
    EXPECT_EQ(shelf_.Remove(entry.sha256).error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(ObjectCount(), 1U);
  }
  EXPECT_FALSE(shelf_.Leased(entry.sha256));
  EXPECT_TRUE(shelf_.Remove(entry.sha256));
  EXPECT_EQ(ObjectCount() + IncomingCount(), 0U);
  EXPECT_EQ(shelf_.Remove(entry.sha256).error().code, ErrorCode::kFirmwareAbsent);
  EXPECT_EQ(shelf_.Hold(entry.sha256).error().code, ErrorCode::kFirmwareAbsent);
}

TEST_F(ShelfTest, Quarantined_IsOutOfUseAndKeepsItsReason) {
  const Entry entry = Put(MakeEntry("aa"));
  const auto files = shelf_.OpenForWorker(entry.sha256).value();
  ASSERT_TRUE(shelf_.Quarantine(entry.sha256, "chunk 5 rotted"));
  EXPECT_THAT(shelf_.List().value(), IsEmpty());
  EXPECT_EQ(FileSize(files.ipsw).value(), 3U);
  const fs::path kept = fs::directory_iterator(store_ / "quarantine")->path();
  EXPECT_EQ(ReadFile(kept / "reason").value(), "chunk 5 rotted\n");
  EXPECT_TRUE(fs::exists(kept / Shelf::kIpswFile));
  Put(entry);
  EXPECT_TRUE(shelf_.Quarantine(entry.sha256, "again"));
}

TEST_F(ShelfTest, UnreadableEntry_DoesNotHideTheOthers) {
  const Entry sound = Put(MakeEntry("aa"));
  const Entry bad = Put(MakeEntry("bb"));
  std::ofstream(ObjectFolder(bad) / Shelf::kEntryFile) << "sha256 nonsense\n";
  fs::create_directory(store_ / "objects" / "stray");
  EXPECT_THAT(shelf_.List().value(), ElementsAre(sound));
}

TEST_F(ShelfTest, StaleIncoming_IsRemovedOnRequestOnly_RunningNever) {
  const Incoming running = Fill("running");
  fs::create_directory(store_ / "incoming" / "dead");
  ASSERT_TRUE(Shelf::Open(store_, StaleIncoming::kKeep));
  EXPECT_EQ(IncomingCount(), 2U);
  ASSERT_TRUE(Shelf::Open(store_, StaleIncoming::kRemove));
  EXPECT_EQ(IncomingCount(), 1U);
  EXPECT_TRUE(fs::exists(running.Folder() / Shelf::kIpswFile));
}

TEST_F(ShelfTest, IncomingOfADeadImport_IsTakenOverEmpty) {
  fs::create_directories(store_ / "incoming" / "one" / "left");
  const Incoming incoming = shelf_.NewIncoming("one").value();
  EXPECT_TRUE(fs::is_empty(incoming.Folder()));
  EXPECT_EQ(shelf_.NewIncoming("one").error().code, ErrorCode::kAlreadyExists);
}

TEST_F(ShelfTest, BadTaskNames_AreRefused) {
  for (const std::string bad : {"", ".", "..", "a/b", "/abs", "a\nb", ".hidden"})
    EXPECT_EQ(shelf_.NewIncoming(bad).error().code, ErrorCode::kBadRequest) << bad;
}

TEST(Entry, RoundTrip_WhateverIsInIt) {
  Entry entry = MakeEntry("aa");
  entry.source = "/x%y\nsha256 00\t\x7f\xc3\xa4 ";
  entry.products = {"iPhone10,1", "iPhone10,4"};
  EXPECT_EQ(ParseEntry(FormatEntry(entry)).value(), entry);
}

TEST(Entry, Broken_IsRefused) {
  const std::string text = FormatEntry(MakeEntry("aa"));
  for (std::size_t size = 0; size + 1 < text.size(); ++size) {
    const auto cut = ParseEntry(text.substr(0, size));
    if (text[size == 0 ? 0 : size - 1] == '\n' && cut) continue;  // less the source: still an entry
    EXPECT_FALSE(cut) << size;
  }
  for (const std::string line : {"unknown 1\n", "size x\n", "source %4\n", "\n", "size\n"})
    EXPECT_EQ(ParseEntry(text + line).error().code, ErrorCode::kFirmwareRotted) << line;
}

struct NewerCase {
  std::string name;
  Entry newer;
  Entry older;
};
class Newer : public ::testing::TestWithParam<NewerCase> {};
TEST_P(Newer, InOneDirectionOnly) {
  EXPECT_TRUE(IsNewer(GetParam().newer, GetParam().older));
  EXPECT_FALSE(IsNewer(GetParam().older, GetParam().newer));
  EXPECT_FALSE(IsNewer(GetParam().newer, GetParam().newer));
}
INSTANTIATE_TEST_SUITE_P(
    Cases, Newer,
    ::testing::Values(
        NewerCase{"NumbersNotText", MakeEntry("a", "18.10"), MakeEntry("a", "18.9")},
        NewerCase{"LongerVersion", MakeEntry("a", "18.1.1"), MakeEntry("a", "18.1")},
        NewerCase{"BuildNumber", MakeEntry("a", "18.1", "22B83"), MakeEntry("a", "18.1", "22B9")},
        NewerCase{"BuildTrain", MakeEntry("a", "18.1", "22C1"), MakeEntry("a", "18.1", "22B99")}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace station::store
