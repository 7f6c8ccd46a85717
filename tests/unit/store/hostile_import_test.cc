// Archives made to harm whoever opens them, imported from a file and over the network: each is
// refused with its own reason, and the store is as it was.

#include <gmock/gmock.h>

#include <functional>

#include "store_world.h"
#include "tests/rack/downloads/server.h"
#include "zip_writer.h"

namespace station::fetcher {
namespace {

using testing::Archive;
using ::testing::HasSubstr;
using testing::IpswParts;
using testing::MakeZip;
using testing::ManifestXml;
using testing::StoreWorld;
using testing::ZipPart;

// Members of an IPSW, in the order IpswParts makes them.
constexpr std::size_t kManifest = 0, kIbec = 1, kLlb = 2, kEmpty = 3, kOs = 4;

struct HostileCase {
  std::string name;
  std::string says;
  std::function<void(Archive&)> spoil;
  bool zip64 = false;
  ErrorCode code = ErrorCode::kFirmwareMalformed;
};

// The archive with other members than it had.
void Make(Archive& zip, const std::function<void(std::vector<ZipPart>&)>& change) {
  auto parts = IpswParts();
  change(parts);
  zip = MakeZip(parts);
}

const std::vector<HostileCase> kCases = {
    {"Nothing", "too short", [](Archive& z) { z.bytes.clear(); }},
    {"NoArchive", "cut short", [](Archive& z) { z.bytes = std::string(100'000, 'x'); }},
    {"CutShort", "cut short", [](Archive& z) { z.bytes.resize(z.bytes.size() / 2); }},
    {"BytesAfterTheEnd", "cut short", [](Archive& z) { z.bytes += std::string(70'000, 'y'); }},
    {"TwoMembersOneHeader", "overlaps",
     [](Archive& z) { z.Put32(z.central[kLlb] + 42, static_cast<std::uint32_t>(z.local[kIbec])); }},
    {"MemberRunsIntoTheNext", "overlaps",
     [](Archive& z) {
       z.PutBoth32(kLlb, 18, 40'100);
       z.PutBoth32(kLlb, 22, 40'100);
     }},
    {"MemberRunsIntoTheDirectory", "overlaps",
     [](Archive& z) {
       z.PutBoth32(kOs, 18, 300'500);
       z.PutBoth32(kOs, 22, 300'500);
     }},
    {"MemberBeyondTheFile", "outside",
     [](Archive& z) { z.Put32(z.central[kOs] + 42, 0x7fffffff); }},
    {"AbsolutePath", "absolute", [](Archive& z) { z.Rename(kEmpty, "/mpty"); }},
    {"PathThatLeadsOut", "leads out", [](Archive& z) { z.Rename(kEmpty, "../ty"); }},
    {"PathThatLeadsOutWithin", "leads out",
     [](Archive& z) { z.Rename(kLlb, "Firmware/../lb.im"); }},
    {"NulInAName", "NUL", [](Archive& z) { z.Rename(kEmpty, std::string("em\0ty", 5)); }},
    {"FolderWithContent", "folder", [](Archive& z) { z.Rename(kLlb, "Firmware/llb.im4/"); }},
    {"SameNameTwice", "twice",
     [](Archive& z) { Make(z, [](auto& parts) {
                        parts.push_back({"os.dmg", "other"});
                      }); }},
    {"Encrypted", "encrypted", [](Archive& z) { z.PutBoth16(kOs, 6, 1); }},
    {"UnknownMethod", "method 93", [](Archive& z) { z.PutBoth16(kIbec, 8, 93); }},
    {"HeadersDisagree", "disagrees", [](Archive& z) { z.Put32(z.local[kLlb] + 14, 7); }},
    {"BombByItsSize", "more than deflate", [](Archive& z) { z.PutBoth32(kIbec, 22, 0x7fffffff); }},
    {"BombThatSaysLess", "more than the announced",
     [](Archive& z) {
       Make(z, [](auto& parts) { parts[kIbec].content = std::string(9'000'000, 'b'); });
       z.PutBoth32(kIbec, 22, 50'000);
     }},
    {"InflatesToLess", "instead of", [](Archive& z) { z.PutBoth32(kIbec, 22, 80'000); }},
    {"WrongCheckSum", "CRC-32", [](Archive& z) { z.PutBoth32(kOs, 14, 7); }},
    {"WrongCheckSumInflated", "CRC-32", [](Archive& z) { z.PutBoth32(kIbec, 14, 7); }},
    {"BrokenStream", "inflating",
     [](Archive& z) {
       for (std::size_t i = 0; i < 40; ++i) z.bytes[z.data[kIbec] + i] = '\xff';
     }},
    {"ManifestBomb", "more than deflate",
     [](Archive& z) { z.PutBoth32(kManifest, 22, 0x7fffffff); }},
    {"ManifestThatIsNone", "no property list",
     [](Archive& z) { Make(z, [](auto& parts) { parts[kManifest].content = "<html>"; }); }},
    {"NoManifest", "there is none",
     [](Archive& z) { Make(z, [](auto& parts) { parts[kManifest].name = "Other.plist"; }); }},
    {"ManifestNamesWhatIsNotThere", "not in the archive",
     [](Archive& z) { Make(z, [](auto& parts) { parts[kLlb].name = "Firmware/llb"; }); }, false,
     ErrorCode::kFirmwareMemberMissing},
    {"ManifestNamesAPathThatLeadsOut", "not in the archive",
     [](Archive& z) {
       Make(z, [](auto& parts) {
         parts[kManifest].content =
             ManifestXml("18.1", "22B83", {"iPhone10,1"}, {{"OS", "../../etc/passwd"}});
       });
     },
     false, ErrorCode::kFirmwareMemberMissing},
    {"Zip64DirectoryOutside", "outside the file",
     [](Archive& z) { z.Put64(z.end64 + 48, std::uint64_t{1} << 63U); }, true},
    {"Zip64DirectoryWrapsAround", "outside the file",
     [](Archive& z) {
       z.Put64(z.end64 + 40, ~std::uint64_t{0});
       z.Put64(z.end64 + 48, 2);
     },
     true},
    {"Zip64ExtraTooShort", "extra field",
     [](Archive& z) { z.Put16(z.central[kEmpty] + 46 + 5 + 2, 23); }, true},
    {"Zip64MoreMembersThanAnybodyHas", "members",
     [](Archive& z) {
       z.Put64(z.end64 + 24, 100'001);
       z.Put64(z.end64 + 32, 100'001);
     },
     true},
    {"Zip64EndsDisagree", "disagree",
     [](Archive& z) { z.Put16(z.end + 10, 7), z.Put16(z.end + 8, 7); }, true},
};

class HostileImport : public StoreWorld, public ::testing::WithParamInterface<HostileCase> {
 protected:
  [[nodiscard]] std::string Bytes() const {
    auto parts = IpswParts();
    for (ZipPart& part : parts) part.zip64 = GetParam().zip64;
    Archive zip = MakeZip(parts, {.zip64_end = GetParam().zip64});
    GetParam().spoil(zip);
    return std::move(zip.bytes);
  }
  // Everything below the store's folders, and what the one sound entry holds.
  [[nodiscard]] std::vector<std::string> Everything() const {
    std::vector<std::string> all;
    for (const auto& item : std::filesystem::recursive_directory_iterator(store_))
      all.push_back(item.path().string() +
                    (item.is_regular_file() ? " " + std::to_string(item.file_size()) : ""));
    std::ranges::sort(all);
    return all;
  }
  void ExpectRefused(const Result<store::Entry>& entry) const {
    ASSERT_FALSE(entry);
    EXPECT_EQ(entry.error().code, GetParam().code) << entry.error().context;
    EXPECT_THAT(entry.error().context, HasSubstr(GetParam().says));
  }
};

TEST_P(HostileImport, IsRefused_AndTheStoreIsAsItWas) {
  ASSERT_TRUE(Import(Write("sound.ipsw", MakeZip(IpswParts({.version = "17.0"})).bytes)));
  const auto before = Everything();
  const auto file = Write("hostile.ipsw", Bytes());
  ExpectRefused(Import(file));
  EXPECT_EQ(Everything(), before);

  if (std::filesystem::file_size(file) == 0) return;  // no server offers that
  const auto server = rack::DownloadServer::Start().value();
  rack::PublishedFile published;
  published.path = file;
  ASSERT_TRUE(server->Publish(published));
  FetchRequest request;
  request.store = store_;
  request.remote.urls = {server->UrlOf("hostile.ipsw")};
  request.remote.pause = [](std::chrono::milliseconds) { return true; };
  ExpectRefused(Fetch(std::move(request), {}));
  EXPECT_EQ(Everything(), before);
}

INSTANTIATE_TEST_SUITE_P(Cases, HostileImport, ::testing::ValuesIn(kCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace station::fetcher
