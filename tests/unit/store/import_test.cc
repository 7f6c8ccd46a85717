// Imports: what comes out is what went in, and whatever is wrong leaves the store as it was.

#include "station/fetcher/import.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "station/base/digest.h"
#include "store_world.h"

namespace station::fetcher {
namespace {

namespace fs = std::filesystem;
using testing::AsBytes;
using testing::AsText;
using ::testing::HasSubstr;
using testing::IpswForm;
using testing::IpswParts;
using ::testing::IsEmpty;
using testing::kMayNotMount;
using testing::MakeZip;
using testing::OnFileSystem;
using testing::StoreWorld;

void ExpectImageIs(const store::Image& image, const std::string& content) {
  ASSERT_EQ(image.Size(), content.size());
  const std::size_t chunks = (content.size() + store::kAsrChunk - 1) / store::kAsrChunk;
  ASSERT_EQ(image.AsrDigests().size(), chunks);
  for (std::size_t i = 0; i < chunks; ++i)
    EXPECT_EQ(image.AsrDigests()[i],
              Sha1Of(AsBytes(content.substr(i * store::kAsrChunk, store::kAsrChunk))));
  for (const auto& [offset, size] :
       std::vector<std::pair<std::size_t, std::size_t>>{{0, content.size()},
                                                        {0, 1},
                                                        {131071, 2},
                                                        {131072, 131072},
                                                        {100, 200'000},
                                                        {content.size() - 5, 5},
                                                        {content.size(), 0},
                                                        {7, 0}}) {
    std::vector<std::uint8_t> out(size);
    const auto read = image.ReadVerified(offset, out);
    ASSERT_TRUE(read) << read.error().context;
    EXPECT_EQ(AsText(out), content.substr(offset, size)) << offset;
  }
  std::string raw(content.size(), '\0');
  EXPECT_EQ(::pread(image.Descriptor(), raw.data(), raw.size(), static_cast<off_t>(image.Offset())),
            static_cast<ssize_t>(raw.size()));
  EXPECT_EQ(raw, content);
}

struct FormCase {
  std::string name;
  IpswForm form;
};
class ImportForms : public StoreWorld, public ::testing::WithParamInterface<FormCase> {};

TEST_P(ImportForms, EveryMemberAndTheOsImage_ReadBackAsTheyWere) {
  const auto parts = IpswParts(GetParam().form);
  const auto zip = MakeZip(parts, {.zip64_end = GetParam().form.zip64});
  const auto entry = Import(Write("a.ipsw", zip.bytes));
  ASSERT_TRUE(entry) << entry.error().context;
  EXPECT_EQ(entry->sha256, Sha256Of(zip.Span()));
  EXPECT_EQ(entry->size, zip.bytes.size());
  EXPECT_EQ(entry->version, "18.1");
  EXPECT_EQ(entry->build, "22B83");
  EXPECT_THAT(entry->products, ::testing::ElementsAre("iPhone10,1", "iPhone10,4"));
  EXPECT_THAT(Open().List().value(), ::testing::ElementsAre(*entry));
  EXPECT_EQ(IncomingCount(), 0U);

  const auto reader = Reader(*entry);
  EXPECT_EQ(reader.Members().size(), parts.size());
  for (const auto& part : parts) {
    ASSERT_TRUE(reader.Has(part.name));
    EXPECT_EQ(reader.SizeOf(part.name).value(), part.content.size());
    const auto bytes = reader.Read(part.name);
    ASSERT_TRUE(bytes) << bytes.error().context;
    EXPECT_EQ(AsText(*bytes), part.content) << part.name;
  }
  const auto image = reader.OpenImage("os.dmg");
  ASSERT_TRUE(image) << image.error().context;
  ExpectImageIs(*image, parts.back().content);
}

INSTANTIATE_TEST_SUITE_P(
    Forms, ImportForms,
    ::testing::Values(FormCase{"Stored", {}}, FormCase{"Deflated", {.deflate_os = true}},
                      FormCase{"StoredZip64", {.zip64 = true}},
                      FormCase{"DeflatedZip64", {.deflate_os = true, .zip64 = true}},
                      FormCase{"Streamed", {.deflate_os = true, .streamed = true}},
                      FormCase{"ExactChunks", {.os_size = 3 * 131072}},
                      FormCase{"SeveralBlocks", {.os_size = 5'000'000}},
                      FormCase{"SeveralBlocksDeflated",
                               {.os_size = 5'000'000, .deflate_os = true}}),
    [](const auto& param) { return param.param.name; });

class ImportTest : public StoreWorld {
 protected:
  fs::path WriteIpsw(const IpswForm& form = {}) const {
    return Write("a.ipsw", MakeZip(IpswParts(form)).bytes);
  }
  void ExpectNothingLeft() const {
    EXPECT_EQ(ObjectCount(), 0U);
    EXPECT_EQ(IncomingCount(), 0U);
  }
};

TEST_F(ImportTest, StoreThatRefusesDirectWrites_TakesTheFirmwareToo) {
  const auto zip = MakeZip(IpswParts({.os_size = 5'000'000}));
  const fs::path source = Write("a.ipsw", zip.bytes);
  const auto ended = OnFileSystem(store_, "ramfs", "", [&] {
    const auto entry = Import(source);
    if (!entry || entry->sha256 != Sha256Of(zip.Span())) return 1;
    return ReadFile(ObjectFolder(*entry) / "firmware.ipsw") == zip.bytes ? 0 : 2;
  });
  if (!ended) GTEST_SKIP() << kMayNotMount;
  EXPECT_EQ(*ended, 0);
}

TEST_F(ImportTest, SeveralDeflatedOsImages_AreAllKept) {
  auto parts = IpswParts({.deflate_os = true});
  parts[0].content = testing::ManifestXml(
      "18.1", "22B83", {"iPad7,5"}, {{"OS", "os.dmg"}, {"OS", "other.dmg"}, {"OS", "os.dmg"}});
  parts.push_back({"other.dmg", testing::Noise(270'000, 9), true});
  const auto entry = Import(Write("a.ipsw", MakeZip(parts).bytes));
  ASSERT_TRUE(entry) << entry.error().context;
  const auto reader = Reader(*entry);
  ExpectImageIs(reader.OpenImage("os.dmg").value(), parts[4].content);
  ExpectImageIs(reader.OpenImage("other.dmg").value(), parts[5].content);
}

TEST_F(ImportTest, BigStoredMember_IsAnImage_OthersAreNot) {
  auto parts = IpswParts();
  parts.push_back({"ramdisk.dmg", std::string(16U << 20U, 'r')});
  parts.push_back({"deflated.dmg", std::string(17U << 20U, 'd'), true});
  const auto entry = Import(Write("a.ipsw", MakeZip(parts).bytes));
  ASSERT_TRUE(entry) << entry.error().context;
  const auto reader = Reader(*entry);
  EXPECT_EQ(reader.OpenImage("ramdisk.dmg").value().AsrDigests().size(), 128U);
  EXPECT_EQ(reader.OpenImage("deflated.dmg").error().code, ErrorCode::kFirmwareUnsupported);
  EXPECT_EQ(reader.OpenImage("Firmware/llb.im4p").error().code, ErrorCode::kFirmwareUnsupported);
  EXPECT_EQ(reader.OpenImage("none").error().code, ErrorCode::kFirmwareMemberMissing);
  EXPECT_EQ(reader.Read("deflated.dmg", 1000).error().code, ErrorCode::kFirmwareMalformed);
}

TEST_F(ImportTest, ReadBeyondTheImage_IsARangeError) {
  const auto entry = Import(WriteIpsw());
  ASSERT_TRUE(entry);
  const auto reader = Reader(*entry);
  const auto image = reader.OpenImage("os.dmg").value();
  std::vector<std::uint8_t> two(2);
  for (const std::uint64_t offset : {image.Size() - 1, image.Size() + 1, ~std::uint64_t{0}})
    EXPECT_EQ(image.ReadVerified(offset, two).error().code, ErrorCode::kAsrRange);
}

TEST_F(ImportTest, SameFileTwice_IsOneCopy) {
  const auto first = Import(WriteIpsw());
  ASSERT_TRUE(first);
  const auto second = Import(Write("b.ipsw", MakeZip(IpswParts()).bytes));
  ASSERT_TRUE(second);
  EXPECT_EQ(*second, *first);
  EXPECT_EQ(ObjectCount(), 1U);
  EXPECT_EQ(IncomingCount(), 0U);
}

TEST_F(ImportTest, KnownHashAlreadyInStore_IsNotReadAgain) {
  const fs::path source = WriteIpsw();
  const auto first = Import(source);
  ASSERT_TRUE(first);
  bool read = false;
  const auto again = fetcher::Import({source, store_, "test", first->sha256},
                                     {.progress = [&](auto, auto) { read = true; }});
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, *first);
  EXPECT_FALSE(read);
}

TEST_F(ImportTest, RottedEntry_IsReplacedByASoundImport) {
  const auto first = Import(WriteIpsw());
  ASSERT_TRUE(first);
  fs::resize_file(ObjectFolder(*first) / "index", 50);
  ASSERT_TRUE(Import(WriteIpsw()));
  EXPECT_TRUE(Reader(*first).Read("os.dmg"));
  EXPECT_FALSE(fs::is_empty(store_ / "quarantine"));
}

TEST_F(ImportTest, WrongHash_IsRefused) {
  const auto entry = ImportExpecting(WriteIpsw(), Sha256Digest{1});
  ASSERT_FALSE(entry);
  EXPECT_EQ(entry.error().code, ErrorCode::kFirmwareHashMismatch);
  ExpectNothingLeft();
}

TEST_F(ImportTest, DamagedMemberOfKnownHash_IsAHashMismatch) {
  auto zip = MakeZip(IpswParts());
  const Sha256Digest sha256 = Sha256Of(zip.Span());
  zip.bytes[zip.data[1] + 9] ^= 1;
  EXPECT_EQ(ImportExpecting(Write("a.ipsw", zip.bytes), sha256).error().code,
            ErrorCode::kFirmwareHashMismatch);
  ExpectNothingLeft();
}

// One flipped bit anywhere in any member, without a hash to compare with.
TEST_F(ImportTest, FlippedByteInAnyMember_IsRefused) {
  for (const bool deflate_os : {false, true}) {
    const auto parts = IpswParts({.os_size = 20'000, .deflate_os = deflate_os});
    const auto zip = MakeZip(parts);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const std::size_t end = i + 1 < parts.size() ? zip.local[i + 1] : zip.central[0];
      for (const std::size_t at : {zip.data[i], (zip.data[i] + end) / 2, end - 1}) {
        if (zip.data[i] == end) continue;
        std::string bytes = zip.bytes;
        bytes[at] ^= 1;
        const auto entry = Import(Write("a.ipsw", bytes));
        ASSERT_FALSE(entry) << parts[i].name << " at " << at;
        EXPECT_EQ(entry.error().code, ErrorCode::kFirmwareMalformed) << entry.error().context;
        ExpectNothingLeft();
      }
    }
  }
}

struct ManifestCase {
  std::string name;
  ErrorCode code;
  std::string says;
  std::string manifest;  // empty: there is none
};
class ImportManifest : public StoreWorld, public ::testing::WithParamInterface<ManifestCase> {};

TEST_P(ImportManifest, IsRefused) {
  auto parts = IpswParts();
  parts[0].content = GetParam().manifest;
  if (GetParam().manifest.empty()) parts[0].name = "Other.plist";
  const auto entry = Import(Write("a.ipsw", MakeZip(parts).bytes));
  ASSERT_FALSE(entry);
  EXPECT_EQ(entry.error().code, GetParam().code) << entry.error().context;
  EXPECT_THAT(entry.error().context, HasSubstr(GetParam().says));
  EXPECT_EQ(ObjectCount() + IncomingCount(), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ImportManifest,
    ::testing::Values(
        ManifestCase{"None", ErrorCode::kFirmwareMalformed, "there is none", ""},
        ManifestCase{"NoPlist", ErrorCode::kFirmwareMalformed, "no property list", "hello"},
        ManifestCase{"NoDict", ErrorCode::kFirmwareMalformed, "no property list",
                     "<plist version=\"1.0\"><array/></plist>"},
        ManifestCase{"NoVersion", ErrorCode::kFirmwareMalformed, "ProductVersion",
                     testing::ManifestXml("", "22B83", {"iPhone10,1"}, {})},
        ManifestCase{"NoBuild", ErrorCode::kFirmwareMalformed, "ProductBuildVersion",
                     testing::ManifestXml("18.1", "", {"iPhone10,1"}, {})},
        ManifestCase{"NoProducts", ErrorCode::kFirmwareMalformed, "SupportedProductTypes",
                     testing::ManifestXml("18.1", "22B83", {}, {})},
        ManifestCase{"LineBreakInVersion", ErrorCode::kFirmwareMalformed, "ProductVersion",
                     testing::ManifestXml("18.1\nsha256 00", "22B83", {"iPhone10,1"}, {})},
        ManifestCase{"NamesAnAbsentFile", ErrorCode::kFirmwareMemberMissing, "Firmware/gone.im4p",
                     testing::ManifestXml("18.1", "22B83", {"iPhone10,1"},
                                          {{"SEP", "Firmware/gone.im4p"}})}),
    [](const auto& param) { return param.param.name; });

TEST_F(ImportTest, AbsentSource_IsUnreadable) {
  EXPECT_EQ(Import(folder_ / "none").error().code, ErrorCode::kFirmwareUnreadable);
  ExpectNothingLeft();
}

TEST_F(ImportTest, FolderOrPipe_IsUnreadable) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  for (const fs::path& source : {folder_ / "pipe", folder_}) {
    const auto entry = Import(source);
    EXPECT_EQ(entry.error().code, ErrorCode::kFirmwareUnreadable);
    EXPECT_THAT(entry.error().context, HasSubstr("not a regular file"));
  }
}

TEST_F(ImportTest, SourceShrinksMeanwhile_IsUnreadable) {
  const fs::path source = WriteIpsw({.os_size = 4'000'000});
  const auto entry =
      Import(source, {.progress = [&](auto, auto) { fs::resize_file(source, 1'500'000); }});
  EXPECT_EQ(entry.error().code, ErrorCode::kFirmwareUnreadable);
  EXPECT_THAT(entry.error().context, HasSubstr("shrank"));
  ExpectNothingLeft();
}

TEST_F(ImportTest, SourceGrowsMeanwhile_IsUnreadable) {
  const fs::path source = WriteIpsw();
  const auto entry = Import(
      source, {.progress = [&](auto, auto) { std::ofstream(source, std::ios::app) << "more"; }});
  EXPECT_EQ(entry.error().code, ErrorCode::kFirmwareUnreadable);
  EXPECT_THAT(entry.error().context, HasSubstr("grew"));
  ExpectNothingLeft();
}

TEST_F(ImportTest, DirectoryChangesMeanwhile_IsUnreadable) {
  const auto zip = MakeZip(IpswParts({.os_size = 4'000'000}));
  const fs::path source = Write("a.ipsw", zip.bytes);
  // The mode of the last member: nothing else would notice.
  const auto entry =
      Import(source, {.progress = [&](auto, auto) { Flip(source, zip.central[4] + 40); }});
  ASSERT_FALSE(entry);
  EXPECT_EQ(entry.error().code, ErrorCode::kFirmwareUnreadable) << entry.error().context;
  ExpectNothingLeft();
}

TEST_F(ImportTest, Stopped_LeavesNothing) {
  int asked = 0;
  const auto entry =
      Import(WriteIpsw({.os_size = 4'000'000}), {.stop = [&] { return ++asked == 3; }});
  EXPECT_EQ(entry.error().code, ErrorCode::kCancelled);
  ExpectNothingLeft();
}

TEST_F(ImportTest, Killed_LeavesNothingAfterTheNextImportBegan) {
  const fs::path source = WriteIpsw({.os_size = 4'000'000});
  const pid_t child = ::fork();
  if (child == 0) {
    (void)fetcher::Import({source, store_, "killed", std::nullopt},
                          {.progress = [](auto, auto) { ::raise(SIGKILL); }});
    ::_exit(1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(IncomingCount(), 1U);
  EXPECT_EQ(ObjectCount(), 0U);
  ASSERT_TRUE(Import(source));
  EXPECT_EQ(IncomingCount(), 0U);
  EXPECT_EQ(ObjectCount(), 1U);
}

TEST_F(ImportTest, RunningImport_IsNotTakenForADeadOne) {
  const fs::path source = WriteIpsw();
  bool other_done = false;
  const auto entry =
      Import(source, {.progress = [&](auto, auto) {
               other_done = fetcher::Import({source, store_, "other", {}}, {}).has_value();
             }});
  EXPECT_TRUE(other_done);
  ASSERT_TRUE(entry) << entry.error().context;
  EXPECT_EQ(ObjectCount(), 1U);
}

TEST_F(ImportTest, SameTaskTwiceAtOnce_IsRefused) {
  const fs::path source = WriteIpsw();
  ErrorCode other = ErrorCode::kNone;
  ASSERT_TRUE(
      Import(source, {.progress = [&](auto, auto) { other = Import(source).error().code; }}));
  EXPECT_EQ(other, ErrorCode::kAlreadyExists);
}

struct DiskCase {
  std::string name;
  std::string room;
};
class ImportFullDisk : public StoreWorld, public ::testing::WithParamInterface<DiskCase> {};

TEST_P(ImportFullDisk, SaysSoAndLeavesNothing) {
  const fs::path source =
      Write("a.ipsw", MakeZip(IpswParts({.os_size = 3'000'000, .deflate_os = true})).bytes);
  const auto ended = OnFileSystem(store_, "tmpfs", "size=" + GetParam().room, [&] {
    const auto entry = Import(source);
    const bool right = !entry && entry.error().code == ErrorCode::kDiskFull;
    return right && ObjectCount() + IncomingCount() == 0 ? 0 : 1;
  });
  if (!ended) GTEST_SKIP() << kMayNotMount;
  EXPECT_EQ(*ended, 0);
}

INSTANTIATE_TEST_SUITE_P(Room, ImportFullDisk,
                         ::testing::Values(DiskCase{"NoneForTheCopy", "1m"},
                                           DiskCase{"NoneForTheOsImage", "5m"}),
                         [](const auto& param) { return param.param.name; });

struct RotCase {
  std::string name;
  bool deflate_os;
  std::string file;
};
class StoredRot : public StoreWorld, public ::testing::WithParamInterface<RotCase> {};

TEST_P(StoredRot, IsNeverHandedOut) {
  const auto zip = MakeZip(IpswParts({.os_size = 3'000'000, .deflate_os = GetParam().deflate_os}));
  const auto entry = Import(Write("a.ipsw", zip.bytes));
  ASSERT_TRUE(entry);
  const bool in_ipsw = GetParam().file == "firmware.ipsw";
  const std::uint64_t at = in_ipsw ? zip.data[4] + 1'500'000 : 1'500'000;
  Flip(ObjectFolder(*entry) / GetParam().file, at);
  const auto reader = Reader(*entry);
  const auto image = reader.OpenImage("os.dmg").value();
  std::vector<std::uint8_t> out(10);
  EXPECT_EQ(image.ReadVerified(1'499'995, out).error().code, ErrorCode::kFirmwareRotted);
  EXPECT_TRUE(image.ReadVerified(10, out));
  EXPECT_TRUE(image.ReadVerified(2'000'000, out));
  if (in_ipsw) {
    EXPECT_EQ(reader.Read("os.dmg").error().code, ErrorCode::kFirmwareRotted);
  }
  EXPECT_TRUE(reader.Read("BuildManifest.plist"));
}

INSTANTIATE_TEST_SUITE_P(Places, StoredRot,
                         ::testing::Values(RotCase{"StoredOs", false, "firmware.ipsw"},
                                           RotCase{"InflatedOs", true, "os.img"}),
                         [](const auto& param) { return param.param.name; });

TEST_F(ImportTest, RotInADeflatedMember_IsNeverHandedOut) {
  const auto zip = MakeZip(IpswParts());
  const auto entry = Import(Write("a.ipsw", zip.bytes));
  ASSERT_TRUE(entry);
  Flip(ObjectFolder(*entry) / "firmware.ipsw", zip.data[1] + 20);
  EXPECT_EQ(Reader(*entry).Read("Firmware/dfu/ibec.im4p").error().code, ErrorCode::kFirmwareRotted);
}

TEST_F(ImportTest, CutOrMissingFiles_DoNotOpen) {
  const auto entry = Import(WriteIpsw({.deflate_os = true}));
  ASSERT_TRUE(entry);
  auto open = [&](bool with_os) {
    auto files = Open().OpenForWorker(entry->sha256).value();
    if (!with_os) files.os_image.reset();
    auto reader = store::FirmwareReader::Open(std::move(files.ipsw), std::move(files.index),
                                              std::move(files.os_image));
    return reader ? ErrorCode::kNone : reader.error().code;
  };
  EXPECT_EQ(open(true), ErrorCode::kNone);
  EXPECT_EQ(open(false), ErrorCode::kFirmwareRotted);
  fs::resize_file(ObjectFolder(*entry) / "os.img", 100);
  EXPECT_EQ(open(true), ErrorCode::kFirmwareRotted);
  fs::remove(ObjectFolder(*entry) / "firmware.ipsw");
  EXPECT_EQ(Open().OpenForWorker(entry->sha256).error().code, ErrorCode::kFirmwareRotted);
}

}  // namespace
}  // namespace station::fetcher
