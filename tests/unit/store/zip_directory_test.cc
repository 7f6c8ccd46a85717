// The zip directory: every form a sound archive comes in, and what is refused.

#include "station/firmware/zip_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "zip_writer.h"

namespace station::firmware {
namespace {

using ::station::testing::Archive;
using ::station::testing::MakeZip;
using ::testing::HasSubstr;

const std::string kAlpha(300, 'a');
const std::string kBravo(5000, 'b');

// Two members of which much can be said wrongly.
std::vector<testing::ZipPart> TwoParts() { return {{"a.txt", kAlpha}, {"b/c.bin", kBravo, true}}; }

Result<ZipDirectory> Read(const Archive& zip) {
  return ZipDirectory::Read(MemorySource(zip.Span()));
}

struct SoundCase {
  std::string name = {};
  bool zip64 = false;
  bool streamed = false;
  testing::ZipForm form = {};
};

class SoundZip : public ::testing::TestWithParam<SoundCase> {};

TEST_P(SoundZip, MembersAreWhereTheyAre) {
  auto parts = TwoParts();
  for (auto& part : parts) {
    part.zip64 = GetParam().zip64;
    part.streamed = GetParam().streamed;
  }
  parts.push_back({.name = "b/", .content = "", .unix_mode = 040755});
  const Archive zip = MakeZip(parts, GetParam().form);
  const auto directory = Read(zip);
  ASSERT_TRUE(directory) << directory.error().context;
  ASSERT_EQ(directory->Members().size(), 3U);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const ZipMember& member = directory->Members()[i];
    EXPECT_EQ(member.name, parts[i].name);
    EXPECT_EQ(member.data_offset, zip.data[i]);
    EXPECT_EQ(member.size, parts[i].content.size());
    EXPECT_EQ(member.method, parts[i].deflate ? ZipMethod::kDeflated : ZipMethod::kStored);
    EXPECT_EQ(member.unix_mode, parts[i].unix_mode);
    EXPECT_EQ(directory->Find(parts[i].name), &member);
  }
  EXPECT_EQ(directory->Find("c.bin"), nullptr);
}

INSTANTIATE_TEST_SUITE_P(
    Forms, SoundZip,
    ::testing::Values(SoundCase{"Plain"}, SoundCase{.name = "Zip64Members", .zip64 = true},
                      SoundCase{.name = "Streamed", .streamed = true},
                      SoundCase{.name = "StreamedZip64", .zip64 = true, .streamed = true},
                      SoundCase{.name = "Zip64End", .form = {.zip64_end = true}},
                      SoundCase{.name = "AllZip64", .zip64 = true, .form = {.zip64_end = true}},
                      SoundCase{.name = "Comment", .form = {.comment = "made by hand"}},
                      SoundCase{.name = "CommentLikeAnEndRecord",
                                .form = {.comment = std::string("PK\5\6") + std::string(40, 'x')}}),
    [](const auto& param) { return param.param.name; });

TEST(ZipDirectory, EmptyArchive_HasNoMembers) {
  const auto directory = Read(MakeZip({}));
  ASSERT_TRUE(directory) << directory.error().context;
  EXPECT_TRUE(directory->Members().empty());
}

TEST(ZipDirectory, EndRecordAgreesWithZip64_IsRead) {
  Archive zip = MakeZip(TwoParts(), {.zip64_end = true});
  zip.Put16(zip.end + 8, 2);
  zip.Put16(zip.end + 10, 2);
  EXPECT_TRUE(Read(zip));
}

struct HostileCase {
  std::string name;
  std::string says;  // part of the error
  std::function<void(Archive&)> spoil;
  bool zip64 = false;
};

class HostileZip : public ::testing::TestWithParam<HostileCase> {};

TEST_P(HostileZip, IsRefused) {
  auto parts = TwoParts();
  for (auto& part : parts) part.zip64 = GetParam().zip64;
  Archive zip = MakeZip(parts, {.zip64_end = GetParam().zip64});
  ASSERT_TRUE(Read(zip));
  GetParam().spoil(zip);
  const auto directory = Read(zip);
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().code, ErrorCode::kFirmwareMalformed) << directory.error().context;
  EXPECT_THAT(directory.error().context, HasSubstr(GetParam().says));
}

const std::vector<HostileCase> kHostile = {
    {"EmptyFile", "too short", [](Archive& z) { z.bytes.clear(); }},
    {"CutShort", "cut short", [](Archive& z) { z.bytes.resize(z.bytes.size() - 10); }},
    {"NoEndRecord", "cut short", [](Archive& z) { z.Put32(z.end, 0); }},
    {"BytesAfterTheEnd", "cut short", [](Archive& z) { z.bytes += "more"; }},
    {"DirectoryOffsetBeyondFile", "outside the file",
     [](Archive& z) { z.Put32(z.end + 16, 0x7fffffff); }},
    {"DirectorySizeBeyondFile", "outside the file",
     [](Archive& z) { z.Put32(z.end + 12, 0x7fffffff); }},
    {"DirectoryOverItsEnd", "outside the file",
     [](Archive& z) { z.Put32(z.end + 16, static_cast<std::uint32_t>(z.central[0] + 1)); }},
    {"MoreMembersThanDirectory", "too short for its members",
     [](Archive& z) {
       z.Put16(z.end + 8, 60000);
       z.Put16(z.end + 10, 60000);
     }},
    {"OneMemberMoreThanThere", "broken",
     [](Archive& z) {
       z.Put32(z.end + 16, static_cast<std::uint32_t>(z.central[0] - 46));
       z.Put32(z.end + 12, static_cast<std::uint32_t>(z.end - z.central[0] + 46));
       z.Put16(z.end + 8, 3);
       z.Put16(z.end + 10, 3);
     }},
    {"FewerMembersThanDirectory", "more than its members",
     [](Archive& z) {
       z.Put16(z.end + 8, 1);
       z.Put16(z.end + 10, 1);
     }},
    {"SeveralDisks", "several disks", [](Archive& z) { z.Put16(z.end + 4, 1); }},
    {"MembersOnOtherDisks", "several disks", [](Archive& z) { z.Put16(z.end + 8, 1); }},
    {"MemberOnAnotherDisk", "another disk", [](Archive& z) { z.Put16(z.central[1] + 34, 1); }},
    {"CentralSignature", "broken", [](Archive& z) { z.Put32(z.central[1], 0x12345678); }},
    {"CentralNameBeyondDirectory", "broken", [](Archive& z) { z.Put16(z.central[1] + 28, 60000); }},
    {"CentralExtraBeyondDirectory", "broken",
     [](Archive& z) { z.Put16(z.central[1] + 30, 60000); }},
    {"AbsoluteName", "absolute", [](Archive& z) { z.Rename(0, "/.txt"); }},
    {"DotDotFirst", "leads out", [](Archive& z) { z.Rename(0, "../xt"); }},
    {"DotDotWithin", "leads out", [](Archive& z) { z.Rename(1, "b/../in"); }},
    {"DotDotLast", "leads out", [](Archive& z) { z.Rename(1, "b/cc/.."); }},
    {"NulInName", "NUL", [](Archive& z) { z.Rename(0, std::string("a\0txt", 5)); }},
    {"NoName", "no name",
     [](Archive& z) {
       z = MakeZip({{"", "x"}});
     }},
    {"SameNameTwice", "twice",
     [](Archive& z) {
       z = MakeZip({{"a", "one"}, {"b", "two"}, {"a", "three"}});
     }},
    {"Encrypted", "encrypted", [](Archive& z) { z.PutBoth16(0, 6, 1); }},
    {"StronglyEncrypted", "encrypted", [](Archive& z) { z.PutBoth16(0, 6, 1U << 6U); }},
    {"MaskedHeaders", "encrypted", [](Archive& z) { z.PutBoth16(0, 6, 1U << 13U); }},
    {"Bzip2", "method 12", [](Archive& z) { z.PutBoth16(0, 8, 12); }},
    {"LocalMethodDiffers", "disagrees", [](Archive& z) { z.Put16(z.local[1] + 8, 0); }},
    {"LocalNameDiffers", "disagrees", [](Archive& z) { z.bytes[z.local[0] + 30] = 'z'; }},
    {"LocalNameLonger", "disagrees", [](Archive& z) { z.Put16(z.local[0] + 26, 6); }},
    {"LocalCrcDiffers", "disagrees", [](Archive& z) { z.Put32(z.local[0] + 14, 7); }},
    {"LocalSizeDiffers", "disagrees", [](Archive& z) { z.Put32(z.local[1] + 22, 7); }},
    {"LocalPackedSizeDiffers", "disagrees", [](Archive& z) { z.Put32(z.local[1] + 18, 7); }},
    {"LocalEncryptedOnly", "disagrees", [](Archive& z) { z.Put16(z.local[0] + 6, 1); }},
    {"LocalStreamedOnly", "disagrees", [](Archive& z) { z.Put16(z.local[0] + 6, 8); }},
    {"LocalSignature", "no local header", [](Archive& z) { z.Put32(z.local[0], 0); }},
    {"LocalExtraBeyondNext", "overlaps", [](Archive& z) { z.Put16(z.local[0] + 28, 60000); }},
    {"LocalOffsetBeyondFile", "lies outside",
     [](Archive& z) { z.Put32(z.central[1] + 42, 0x7fffffff); }},
    {"LocalOffsetInDirectory", "lies outside",
     [](Archive& z) { z.Put32(z.central[1] + 42, static_cast<std::uint32_t>(z.central[0])); }},
    {"TwoMembersOneHeader", "overlaps", [](Archive& z) { z.Put32(z.central[1] + 42, 0); }},
    {"StoredMemberRunsIntoNext", "overlaps",
     [](Archive& z) {
       z.PutBoth32(0, 18, 400);
       z.PutBoth32(0, 22, 400);
     }},
    {"LastMemberRunsIntoDirectory", "overlaps", [](Archive& z) { z.PutBoth32(1, 18, 60000); }},
    {"StoredWithTwoSizes", "two sizes", [](Archive& z) { z.PutBoth32(0, 22, 299); }},
    {"InflatesToTooMuch", "more than deflate", [](Archive& z) { z.PutBoth32(1, 22, 0x7fffffff); }},
    {"FolderWithContent", "folder", [](Archive& z) { z.Rename(0, "a.tx/"); }},
    {"SentinelWithoutZip64End", "zip64 end record is missing",
     [](Archive& z) { z.Put32(z.end + 16, 0xffffffff); }},
    {"SentinelWithoutZip64Extra", "extra field",
     [](Archive& z) { z.Put32(z.central[0] + 20, 0xffffffff); }},
    {"LocatorPointsOutside", "outside the file",
     [](Archive& z) { z.Put64(z.locator64 + 8, ~std::uint64_t{0}); }, true},
    {"LocatorPointsElsewhere", "no zip64 end record",
     [](Archive& z) { z.Put64(z.locator64 + 8, z.end64 - 1); }, true},
    {"LocatorNamesDisks", "several disks", [](Archive& z) { z.Put32(z.locator64 + 16, 2); }, true},
    {"Zip64EndOnDisk", "several disks", [](Archive& z) { z.Put32(z.end64 + 16, 1); }, true},
    {"Zip64EndWrongSize", "wrong size", [](Archive& z) { z.Put64(z.end64 + 4, 45); }, true},
    {"Zip64EndDisagrees", "disagree",
     [](Archive& z) { z.Put16(z.end + 10, 5), z.Put16(z.end + 8, 5); }, true},
    {"Zip64DirectoryOutside", "outside the file",
     [](Archive& z) { z.Put64(z.end64 + 48, std::uint64_t{1} << 63U); }, true},
    {"Zip64DirectoryWrapsAround", "outside the file",
     [](Archive& z) {
       z.Put64(z.end64 + 40, ~std::uint64_t{0});
       z.Put64(z.end64 + 48, 2);
     },
     true},
    {"TooManyMembers", "100001 members",
     [](Archive& z) {
       z.Put64(z.end64 + 24, 100'001);
       z.Put64(z.end64 + 32, 100'001);
     },
     true},
    {"Zip64ExtraTooShort", "extra field",
     [](Archive& z) { z.Put16(z.central[0] + 46 + 5 + 2, 23); }, true},
    {"Zip64ExtraBeyondItsEnd", "extra field",
     [](Archive& z) { z.Put16(z.central[0] + 46 + 5 + 2, 600); }, true},
    {"Zip64SizeWrapsAround", "outside the file",
     [](Archive& z) {
       for (const std::size_t at : {z.local[0] + 30 + 5 + 4, z.central[0] + 46 + 5 + 4}) {
         z.Put64(at, ~std::uint64_t{0} - 40);
         z.Put64(at + 8, ~std::uint64_t{0} - 40);
       }
     },
     true},
    {"Zip64LocalSizeDiffers", "disagrees",
     [](Archive& z) { z.Put64(z.local[0] + 30 + 5 + 4, 301); }, true},
};

INSTANTIATE_TEST_SUITE_P(Cases, HostileZip, ::testing::ValuesIn(kHostile),
                         [](const auto& param) { return param.param.name; });

// A file of holes with an end record that claims a directory of 65 MiB.
class Holes : public ByteSource {
 public:
  Holes() : tail_(MakeZip({}, {.zip64_end = true})) {
    tail_.Put64(tail_.end64 + 40, 65U << 20U);
    tail_.Put64(tail_.locator64 + 8, kHole);
  }
  [[nodiscard]] std::uint64_t Size() const override { return kHole + tail_.bytes.size(); }
  [[nodiscard]] Status ReadAt(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    EXPECT_LT(out.size(), 1U << 20U);
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = offset + i < kHole ? 0 : tail_.Span()[offset + i - kHole];
    return {};
  }

 private:
  static constexpr std::uint64_t kHole = 70U << 20U;
  Archive tail_;
};

TEST(ZipDirectory, DirectoryOverTheLimit_IsRefusedUnread) {
  const auto directory = ZipDirectory::Read(Holes());
  ASSERT_FALSE(directory);
  EXPECT_THAT(directory.error().context, HasSubstr("central directory is 68157440 bytes"));
}

TEST(ZipDirectory, EveryTruncation_IsRefused) {
  const Archive zip = MakeZip(TwoParts(), {.zip64_end = true});
  for (std::size_t size = 0; size < zip.bytes.size(); ++size)
    EXPECT_FALSE(ZipDirectory::Read(MemorySource(zip.Span().first(size)))) << size;
}

}  // namespace
}  // namespace station::firmware
