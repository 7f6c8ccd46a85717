#include "tests/rack/forge/forge.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "station/base/fd.h"
#include "station/base/ids.h"
#include "tests/rack/forge/check.h"
#include "tests/rack/forge/ftab.h"
#include "tests/rack/forge/marker.h"
#include "tests/rack/image4/components.h"
#include "tests/rack/image4/digest.h"
#include "tests/rack/image4/payload.h"

namespace rack {
namespace {

template <typename T>
T Read(const std::string& bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

std::string Inflate(std::string_view packed, std::size_t size) {
  std::string out(size, '\0');
  z_stream stream{};
  inflateInit2(&stream, -MAX_WBITS);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  return out;
}

// A small reader of its own: what the writer writes must be a zip to somebody else.
std::map<std::string, std::string> ReadZip(const std::string& path) {
  const std::string bytes = station::ReadFile(path, 1U << 30U).value();
  std::map<std::string, std::string> members;
  const std::size_t end = bytes.rfind("PK\x05\x06");
  std::size_t at = Read<std::uint32_t>(bytes, end + 16);
  for (int left = Read<std::uint16_t>(bytes, end + 10); left > 0; --left) {
    const auto name_size = Read<std::uint16_t>(bytes, at + 28);
    const std::string name = bytes.substr(at + 46, name_size);
    const auto local = Read<std::uint32_t>(bytes, at + 42);
    const auto packed = Read<std::uint32_t>(bytes, at + 20);
    const auto size = Read<std::uint32_t>(bytes, at + 24);
    const std::size_t data = local + 30U + Read<std::uint16_t>(bytes, local + 26) +
                             Read<std::uint16_t>(bytes, local + 28);
    const auto raw = std::string_view(bytes).substr(data, packed);
    members[name] =
        Read<std::uint16_t>(bytes, at + 10) == 0 ? std::string(raw) : Inflate(raw, size);
    EXPECT_EQ(Read<std::uint32_t>(bytes, at + 16),
              crc32(0, reinterpret_cast<const Bytef*>(members[name].data()), size));
    at += 46U + name_size + Read<std::uint16_t>(bytes, at + 30);
  }
  return members;
}

const std::filesystem::path kManifests = std::filesystem::path(RACK_SOURCE_DIR) / "manifests";
const std::filesystem::path kRealManifests =
    std::filesystem::path(RACK_SOURCE_DIR) / "../../../shared/data/manifests";

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& suffix)
      : path_(testing::TempDir() + "/forge_" + std::to_string(getpid()) + suffix) {}
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  [[nodiscard]] const std::string& Path() const { return path_; }

 private:
  std::string path_;
};

ForgeOrder OrderFor(const std::filesystem::path& manifest, const TemporaryFile& out) {
  ForgeOrder order;
  order.manifest = manifest;
  order.out = out.Path();
  order.os_size = 3'000'001;
  order.cryptex_size = 500'000;
  order.ramdisk_size = 100'000;
  order.kernel_size = 50'000;
  return order;
}

// What an entry's digest covers: the part of a table, the payload under the type the ticket knows
// the component by, or the file as it is.
Bytes Covered(const std::string& file, const std::string& component, const Value& info) {
  Bytes bytes(file.begin(), file.end());
  const std::string type = TicketName(component, &info);
  if (info.Flag("IsFTAB")) {
    const auto part = FtabPart(bytes, type);
    return part ? Bytes(part->begin(), part->end()) : Bytes();
  }
  const bool payload = ReadPayload(bytes).has_value();
  EXPECT_EQ(payload,
            info.Flag("Personalize", true) && (!type.empty() || component.starts_with("Cryptex1,")))
      << component;
  if (payload && !type.empty()) PatchType(bytes, type);
  return bytes;
}

std::size_t WantedDigestSize(const Value& identity, const Value& info, std::size_t stated) {
  const std::string method = info.Text("HashMethod");
  if (method == "sha2-384") return 48;
  if (method == "sha2-256" || stated == 32) return 32;
  const auto chip = std::strtoul(identity.Text("ApChipID").c_str(), nullptr, 16);
  return chip < 0x8010 || chip == 0x8960 ? 20 : 48;
}

// Every digest in the written manifest belongs to the bytes of the file it names.
void ExpectDigestsBelong(const std::map<std::string, std::string>& members) {
  const auto manifest = Value::Parse(members.at("BuildManifest.plist"));
  ASSERT_TRUE(manifest);
  for (const Value& identity : *manifest->Find("BuildIdentities")->AsArray()) {
    for (const auto& [name, entry] : *identity.Find("Manifest")->AsDict()) {
      const Value& info = *entry.Find("Info");
      const std::string path = info.Text("Path");
      if (path.empty()) continue;
      ASSERT_TRUE(members.contains(path)) << path;
      const Bytes* digest = entry.Data("Digest");
      if (digest == nullptr) continue;
      EXPECT_EQ(digest->size(), WantedDigestSize(identity, info, digest->size())) << name;
      EXPECT_EQ(Hash(HashKindForSize(digest->size()), Covered(members.at(path), name, info)),
                *digest)
          << name;
    }
  }
}

struct Manifest {
  std::filesystem::path file;
  int identities;
  int digests;
  std::string name;  // in test names
};
void PrintTo(const Manifest& row, std::ostream* out) { *out << row.name; }

class Forged : public testing::TestWithParam<Manifest> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(GetParam().file))
      GTEST_SKIP() << "no real data beside the repository";
  }
  const TemporaryFile out_{".ipsw"};
};

TEST_P(Forged, HoldsTogether) {
  const auto result = Forge(OrderFor(GetParam().file, out_));
  ASSERT_TRUE(result) << result.error().context;
  EXPECT_EQ(result->identities, GetParam().identities);
  EXPECT_EQ(result->digests, GetParam().digests);
  const auto members = ReadZip(out_.Path());
  ExpectDigestsBelong(members);
  const Bytes os =
      Hash(HashKindForSize(result->os_digest.size() / 2), AsBytes(members.at(result->os_member)));
  EXPECT_EQ(result->os_digest, station::ToHex(os));
}

// Also those of baseband and secure element, which have other names.
bool IsDigest(const std::string& key) {
  return std::ranges::any_of(
      std::array<std::string_view, 4>{"Digest", "HashTableBody", "UpdatePayloadHash", "CMAC"},
      [&](std::string_view end) { return key.ends_with(end); });
}

// Entries and their order, and everything that is no digest, are those of the manifest followed.
TEST_P(Forged, ChangesNothingInTheManifestButDigests) {
  ASSERT_TRUE(Forge(OrderFor(GetParam().file, out_)));
  const auto without_digests = [](std::string_view text) {
    Value manifest = Value::Parse(text).value();
    for (Value& identity : *manifest.Find("BuildIdentities")->AsArray())
      for (auto& [name, entry] : *identity.Find("Manifest")->AsDict())
        std::erase_if(*entry.AsDict(), [](const auto& item) { return IsDigest(item.first); });
    return manifest.ToXml();
  };
  EXPECT_EQ(without_digests(ReadZip(out_.Path()).at("BuildManifest.plist")),
            without_digests(station::ReadFile(GetParam().file).value()));
}

TEST_P(Forged, RestorePlistNamesBoardsKernelsAndImages) {
  ASSERT_TRUE(Forge(OrderFor(GetParam().file, out_)));
  const auto members = ReadZip(out_.Path());
  const Value restore = Value::Parse(members.at("Restore.plist")).value();
  const Value manifest = Value::Parse(members.at("BuildManifest.plist")).value();
  EXPECT_EQ(restore.Text("ProductBuildVersion"), manifest.Text("ProductBuildVersion"));
  for (const Value& identity : *manifest.Find("BuildIdentities")->AsArray()) {
    const std::string board = identity.Find("Info")->Text("DeviceClass");
    const Value* kernel = restore.Find("KernelCachesByTarget")->Find(board.substr(0, 3));
    ASSERT_NE(kernel, nullptr) << board;
    EXPECT_TRUE(members.contains(kernel->Text("Release")));
    int listed = 0;
    for (const Value& device : *restore.Find("DeviceMap")->AsArray())
      if (device.Text("BoardConfig") == board) ++listed;
    EXPECT_EQ(listed, 1) << board;
  }
  for (const char* kind : {"User", "Update"})
    EXPECT_TRUE(members.contains(restore.Find("RestoreRamDisks")->Text(kind))) << kind;
  EXPECT_NE(restore.Find("RestoreRamDisks")->Text("User"),
            restore.Find("RestoreRamDisks")->Text("Update"));
  EXPECT_TRUE(members.contains(restore.Find("SystemRestoreImages")->Text("User")));
  EXPECT_EQ(Value::Parse(members.at("SystemVersion.plist"))->Text("ProductVersion"),
            manifest.Text("ProductVersion"));
}

// The ramdisk of each identity knows what restore it is for, and how to make the images.
TEST_P(Forged, RamdisksCarryBehaviourAndRecipes) {
  ASSERT_TRUE(Forge(OrderFor(GetParam().file, out_)));
  const auto members = ReadZip(out_.Path());
  const Value manifest = Value::Parse(members.at("BuildManifest.plist")).value();
  for (const Value& identity : *manifest.Find("BuildIdentities")->AsArray()) {
    const Value& components = *identity.Find("Manifest");
    const auto payload = ReadPayload(
        AsBytes(members.at(components.Find("RestoreRamDisk")->Find("Info")->Text("Path"))));
    ASSERT_TRUE(payload);
    EXPECT_EQ(payload->type, "rdsk");
    const auto marker = ReadMarker(payload->data);
    ASSERT_TRUE(marker);
    const std::string behaviour = identity.Find("Info")->Text("RestoreBehavior");
    if (!behaviour.empty()) {
      EXPECT_EQ(marker->behaviour, behaviour);
    }
    EXPECT_TRUE(marker->components.contains(identity.Find("Info")->Text("DeviceClass")));
    const ImageRecipe* recipe = FindRecipe(marker->images, *components.Find("OS")->Data("Digest"));
    ASSERT_NE(recipe, nullptr);
    EXPECT_EQ(DiskImage(*recipe).Mismatch(0, AsBytes(members.at(recipe->path))), std::nullopt);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Manifests, Forged,
    testing::Values(Manifest{kManifests / "iphone6s_ios12.plist", 4, 4 * 24, "iphone6s"},
                    Manifest{kManifests / "ipad_wifi.plist", 2, 2 * 27, "ipad"},
                    Manifest{kManifests / "iphone8_ios15.plist", 4, 4 * 27, "iphone8"},
                    Manifest{kManifests / "iphonex_ios15.plist", 4, 4 * 35, "iphonex"},
                    Manifest{kManifests / "iphone12_ios26.plist", 6, 6 * 85, "iphone12"},
                    Manifest{kRealManifests / "BuildManifest_iPhone10,3_10,6_11.2_15C114.plist", 4,
                             4 * 33, "RealX"},
                    Manifest{
                        kRealManifests / "BuildManifest_iPhone9,1_9,3_10,1_10,4_15.4_19E241.plist",
                        8, 240, "Real7And8"},
                    Manifest{kRealManifests / "BuildManifest_iPhone13,2_13,3_26.2.1_23C71.plist", 6,
                             6 * 85, "Real12"}),
    [](const auto& row) { return row.param.name; });

TEST(Forge, SharedFilesHoldTheInstalledForm) {
  const TemporaryFile out(".ipsw");
  ASSERT_TRUE(Forge(OrderFor(kManifests / "iphone8_ios15.plist", out)));
  for (const auto& [path, bytes] : ReadZip(out.Path()))
    for (const auto& [part, type] :
         {std::pair("sep-firmware", "sepi"), std::pair("kernelcache", "krnl"),
          std::pair("applelogo", "logo"), std::pair("DeviceTree", "dtre")}) {
      if (path.find(part) == std::string::npos) continue;
      const auto payload = ReadPayload(AsBytes(bytes));
      ASSERT_TRUE(payload) << path;
      EXPECT_EQ(payload->type, type);
      if (payload->type == "dtre") {
        EXPECT_TRUE(ReadMarker(payload->data)->behaviour.empty());
      }
    }
}

TEST(Forge, SameSeedSameFileOtherSeedOtherFile) {
  const TemporaryFile out(".ipsw");
  ForgeOrder order = OrderFor(kManifests / "iphone8_ios15.plist", out);
  const auto first = Forge(order);
  const auto again = Forge(order);
  order.seed = 2;
  const auto other = Forge(order);
  EXPECT_EQ(first->sha256, again->sha256);
  EXPECT_NE(first->sha256, other->sha256);
}

TEST(Forge, DeflatedImageHasTheSameDigest) {
  const TemporaryFile out(".ipsw");
  ForgeOrder order = OrderFor(kManifests / "iphone12_ios26.plist", out);
  const auto stored = Forge(order);
  order.deflate = true;
  const auto deflated = Forge(order);
  EXPECT_EQ(stored->os_digest, deflated->os_digest);
  EXPECT_EQ(ReadZip(out.Path()).at(deflated->os_member).size(), order.os_size);
}

TEST(Forge, SparseImageTakesLittleDisk) {
  const TemporaryFile out(".ipsw");
  ForgeOrder order = OrderFor(kManifests / "iphone8_ios15.plist", out);
  order.os_size = 200'000'001;
  order.sparse = true;
  const auto result = Forge(order);
  ASSERT_TRUE(result) << result.error().context;
  EXPECT_GT(result->size, order.os_size);
  EXPECT_LT(result->disk_size, order.os_size / 10);
  EXPECT_EQ(ReadZip(out.Path()).at(result->os_member).size(), order.os_size);  // and its CRC fits
}

TEST(Forge, KeepsTheProductsAskedForOnly) {
  const TemporaryFile out(".ipsw");
  ForgeOrder order = OrderFor(kManifests / "iphone6s_ios12.plist", out);
  order.products = {"N71mAP"};
  const auto result = Forge(order);
  ASSERT_TRUE(result) << result.error().context;
  EXPECT_EQ(result->identities, 2);
  const auto members = ReadZip(out.Path());
  EXPECT_TRUE(members.contains("Firmware/all_flash/LLB.n71m.RELEASE.im4p"));
  EXPECT_FALSE(members.contains("Firmware/all_flash/LLB.n71.RELEASE.im4p"));
  order.products = {"iPhone8,1"};
  EXPECT_EQ(Forge(order)->identities, 4);
  order.products = {"iPhone8,1", "iPhone10,1"};
  EXPECT_FALSE(Forge(order));
}

// A manifest of one identity, which a test makes odd.
Value OddManifest(Value::Dict components) {
  components.emplace_back(
      "OS", Value::Dict{{"Digest", Bytes(48)},
                        {"Info", Value::Dict{{"Path", "os.dmg"}, {"Personalize", false}}}});
  components.emplace_back(
      "RestoreRamDisk",
      Value::Dict{{"Digest", Bytes(48)}, {"Info", Value::Dict{{"Path", "ramdisk.dmg"}}}});
  return Value::Dict{
      {"BuildIdentities",
       Value::Array{Value::Dict{{"ApBoardID", 2},
                                {"ApChipID", 0x8015},
                                {"ApSecurityDomain", 1},
                                {"Info", Value::Dict{{"DeviceClass", "d20ap"},
                                                     {"RestoreBehavior", "Erase"},
                                                     {"Variant", "Customer Erase Install (IPSW)"}}},
                                {"Manifest", std::move(components)}}}},
      {"ProductBuildVersion", "19Z1"},
      {"ProductVersion", "15.9"},
      {"SupportedProductTypes", Value::Array{"iPhone10,1"}}};
}

Value Entry(const std::string& path, std::size_t digest_size = 48) {
  return Value::Dict{{"Digest", Bytes(digest_size)}, {"Info", Value::Dict{{"Path", path}}}};
}

class OddFirmware : public testing::Test {
 protected:
  station::Result<ForgeResult> ForgeOdd(const Value& manifest) {
    std::ofstream(manifest_.Path()) << manifest.ToXml();
    return Forge(OrderFor(manifest_.Path(), out_));
  }
  const TemporaryFile manifest_{".plist"};
  const TemporaryFile out_{".ipsw"};
};

// 1.0.0-class clients find an identity only by hexadecimal strings.
TEST_F(OddFirmware, NumbersBecomeHexadecimalStrings) {
  ASSERT_TRUE(ForgeOdd(OddManifest({})));
  const Value written = Value::Parse(ReadZip(out_.Path()).at("BuildManifest.plist")).value();
  const Value& identity = written.Find("BuildIdentities")->AsArray()->front();
  EXPECT_EQ(identity.Text("ApChipID"), "0x8015");
  EXPECT_EQ(identity.Text("ApBoardID"), "0x02");
  EXPECT_EQ(identity.Text("ApSecurityDomain"), "0x01");
  ASSERT_NE(identity.Data("UniqueBuildID"), nullptr);
  EXPECT_EQ(identity.Data("UniqueBuildID")->size(), 20U);
}

TEST_F(OddFirmware, BoardFoldersListTheirFiles) {
  const std::string folder = "Firmware/all_flash/all_flash.n51ap.production";
  ASSERT_TRUE(ForgeOdd(OddManifest({{"LLB", Entry(folder + "/LLB.n51.RELEASE.im4p")},
                                    {"iBoot", Entry(folder + "/iBoot.n51.RELEASE.im4p")}})));
  const auto members = ReadZip(out_.Path());
  EXPECT_EQ(members.at(folder + "/manifest"), "LLB.n51.RELEASE.im4p\niBoot.n51.RELEASE.im4p\n");
}

TEST_F(OddFirmware, FilesOfNoBytesStayEmpty) {
  Value empty = Entry("Firmware/Savage/Savage.B0-Prod.vt.fw");
  empty.Set("Digest", Hash(HashKind::kSha256, Bytes()));
  ASSERT_TRUE(ForgeOdd(OddManifest({{"Savage,B0-Prod-PatchVT", empty}})));
  EXPECT_EQ(ReadZip(out_.Path()).at("Firmware/Savage/Savage.B0-Prod.vt.fw"), "");
}

TEST_F(OddFirmware, EntriesWithoutInfoOrPathOrDigestAreLeftAlone) {
  Value bare = Entry("Firmware/bb.bbfw");
  bare.Erase("Digest");
  const auto result = ForgeOdd(OddManifest(
      {{"BasebandFirmware", bare}, {"ftap", Value::Dict{{"Trusted", true}}}, {"Odd", "text"}}));
  ASSERT_TRUE(result) << result.error().context;
  EXPECT_EQ(result->digests, 2);
  EXPECT_TRUE(ReadZip(out_.Path()).contains("Firmware/bb.bbfw"));
}

struct Unfit {
  const char* name;
  void (*spoil)(Value& manifest);
  const char* complaint;
};
void PrintTo(const Unfit& row, std::ostream* out) { *out << row.name; }

class UnfitManifest : public OddFirmware, public testing::WithParamInterface<Unfit> {};

TEST_P(UnfitManifest, IsRefused) {
  Value manifest = OddManifest({});
  GetParam().spoil(manifest);
  const auto result = ForgeOdd(manifest);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, station::ErrorCode::kFirmwareMalformed);
  EXPECT_NE(result.error().context.find(GetParam().complaint), std::string::npos)
      << result.error().context;
}

Value& FirstIdentity(Value& manifest) {
  return manifest.Find("BuildIdentities")->AsArray()->front();
}

INSTANTIATE_TEST_SUITE_P(
    Table, UnfitManifest,
    testing::Values(
        Unfit{"NoIdentities", [](Value& m) { m.Erase("BuildIdentities"); }, "BuildIdentities"},
        Unfit{"NoChip", [](Value& m) { FirstIdentity(m).Erase("ApChipID"); }, "ApChipID"},
        Unfit{"DecimalChip", [](Value& m) { FirstIdentity(m).Set("ApChipID", "32789"); },
              "ApChipID"},
        Unfit{"NoInfo", [](Value& m) { FirstIdentity(m).Erase("Info"); }, "Info"},
        Unfit{"NoFiles", [](Value& m) { FirstIdentity(m).Set("Manifest", Value::Dict{}); },
              "no files"},
        Unfit{"OutsideTheArchive",
              [](Value& m) { FirstIdentity(m).Find("Manifest")->Set("LLB", Entry("../llb")); },
              "outside"},
        Unfit{"OneRamdiskForEraseAndUpdate",
              [](Value& m) {
                Value update = FirstIdentity(m);
                update.Find("Info")->Set("RestoreBehavior", "Update");
                m.Find("BuildIdentities")->AsArray()->push_back(update);
              },
              "ramdisk"}),
    [](const auto& row) { return row.param.name; });

// Flips the last byte of the first place where the file holds `mark`.
void Spoil(const std::string& path, const std::string& mark) {
  const std::string bytes = station::ReadFile(path, 1U << 30U).value();
  const std::size_t at = bytes.find(mark);
  ASSERT_NE(at, std::string::npos) << mark;
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(at + mark.size() - 1));
  file.put(static_cast<char>(bytes[at + mark.size() - 1] ^ 1));
}

TEST(CheckFirmware, FindsOneWrongByteWhereverItIs) {
  const TemporaryFile out(".ipsw");
  const ForgeOrder order = OrderFor(kManifests / "iphone12_ios26.plist", out);
  ASSERT_TRUE(Forge(order));
  const auto members = ReadZip(out.Path());
  for (const char* path :
       {"900-01200-001.dmg.aea", "900-01204-001.dmg", "kernelcache.release.iphone13",
        "Firmware/Rose/r1/ftab.bin", "Firmware/900-01204-001.dmg.root_hash",
        "Firmware/Yonkers/Yonkers.A_Dev.fw"}) {
    Spoil(out.Path(), members.at(path).substr(members.at(path).size() - 64));
    const auto checked = CheckFirmware(out.Path());
    ASSERT_FALSE(checked) << path;
    EXPECT_NE(checked.error().context.find(path), std::string::npos) << checked.error().context;
    ASSERT_TRUE(Forge(order));
  }
  Spoil(out.Path(), "PK\x05\x06");
  EXPECT_FALSE(CheckFirmware(out.Path()));
}

}  // namespace
}  // namespace rack
