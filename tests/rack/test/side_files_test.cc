// Firmware of the chips beside the application processor: formats, and forged files with the
// digests that belong to them.

#include <gtest/gtest.h>

#include "station/base/fd.h"
#include "tests/rack/forge/side_files.h"
#include "tests/rack/image4/digest.h"
#include "tests/rack/side/baseband.h"
#include "tests/rack/side/fls.h"
#include "tests/rack/side/little_endian.h"
#include "tests/rack/side/zip.h"
#include "tests/rack/test/side_host.h"

namespace rack {
namespace {

TEST(Zip, ReadsWhatItWrites) {
  const ZipMembers members{{"a.mbn", Bytes(5000, 1)}, {"b", {}}, {"folder/c", Bytes(1, 2)}};
  EXPECT_EQ(ReadZip(WriteZip(members)), members);
}

// Every cut and every flipped byte is refused, or reads as something; never out of bounds.
TEST(Zip, RefusesTornOnes) {
  const ZipMembers members{{"a", Bytes(300, 1)}, {"b", Bytes(40, 2)}};
  const Bytes zip = WriteZip(members);
  for (std::size_t size = 0; size < zip.size(); ++size)
    EXPECT_FALSE(ReadZip(std::span(zip).first(size))) << size;
  for (std::size_t at = 0; at < zip.size(); ++at) {
    Bytes bent = zip;
    bent[at] ^= 0xFFU;
    const auto read = ReadZip(bent);
    EXPECT_LE(read ? read->size() : 0U, 2U) << at;
  }
}

TEST(Zip, ChecksTheContents) {
  Bytes zip = WriteZip({{"a", Bytes(300, 1)}});
  zip[31 + 100] ^= 1U;
  EXPECT_FALSE(ReadZip(zip));
}

TEST(Fls, SaysWhereItsSignatureIs) {
  const Bytes file = WriteFls(Bytes(1000, 1), 100);
  const auto data = ReadFlsData(file);
  ASSERT_TRUE(data);
  EXPECT_EQ(data->size(), 1000U);
  EXPECT_EQ(LittleAt(*data, 0x10), 1000U);
  EXPECT_EQ(LittleAt(*data, 0x14), 900U);
  EXPECT_FALSE(ReadFlsData(std::span(file).first(file.size() - 1)));
}

const Value& EntryOf(const SideFirmware& firmware, const std::string& component) {
  return *firmware.Identity().Find("Manifest")->Find(component);
}

struct Digested {
  const char* component;
  const char* key;
};
void PrintTo(const Digested& row, std::ostream* out) { *out << row.component; }

class ForgedSideFile : public testing::TestWithParam<Digested> {};

TEST_P(ForgedSideFile, HasItsDigestInTheManifest) {
  const SideFirmware firmware = EveryChip();
  const Bytes& digest = *EntryOf(firmware, GetParam().component).Data(GetParam().key);
  EXPECT_EQ(digest, Hash(HashKindForSize(digest.size()), firmware.File(GetParam().component)));
}

INSTANTIATE_TEST_SUITE_P(
    Table, ForgedSideFile,
    testing::Values(Digested{"SE,UpdatePayload", "ProductionUpdatePayloadHash"},
                    Digested{"Savage,B2-Prod-Patch", "Digest"},
                    Digested{"Savage,B2-Prod-PatchVT", "Digest"},
                    Digested{"Yonkers,SysTopPatch1", "Digest"},
                    Digested{"BMU,FirmwareMap", "Digest"}, Digested{"Baobab,TCON", "Digest"},
                    Digested{"eUICC,Gold", "Digest"}));

TEST(ForgedSideFiles, PatchOfTheVtKindIsEmptyAsInRealFirmware) {
  EXPECT_TRUE(EveryChip().File("Savage,B2-Prod-PatchVT").empty());
}

TEST(ForgedBaseband, EveryElementHasItsFileAndDigest) {
  for (const Value& elements : {Value(), IntelElements(), FlsElements()}) {
    const SideFirmware firmware = EveryChip(elements);
    const Value& entry = EntryOf(firmware, "BasebandFirmware");
    const auto members = ReadZip(firmware.File("BasebandFirmware"));
    ASSERT_TRUE(members);
    EXPECT_TRUE(members->contains("Info.plist"));
    const auto parts = BasebandParts(entry, 0x3B0E1, std::nullopt);
    ASSERT_TRUE(parts);
    for (const BasebandPart& part : *parts) {
      ASSERT_TRUE(members->contains(part.file)) << part.file;
      const auto range = RangeOf(part, members->at(part.file));
      ASSERT_TRUE(range) << part.file;
      EXPECT_EQ(*entry.Data(DigestKey(part)), DigestOf(part, range->hashed)) << part.file;
      EXPECT_EQ(range->blob.size(), part.blob);
    }
  }
}

// The headers that idevicerestore 1.0.0 reads sizes from.
TEST(ForgedBaseband, HeadersSayTheirSize) {
  const auto qualcomm = ReadZip(EveryChip().File("BasebandFirmware"));
  const Bytes& loader = qualcomm->at("sbl1.mbn");
  EXPECT_EQ(LittleAt(loader, 0), 0x844BDCD1U);
  EXPECT_EQ(LittleAt(loader, 0x1C), loader.size() - 80);
  const Bytes& plain = qualcomm->at("apps.mbn");
  EXPECT_EQ(LittleAt(plain, 0), 0x0AU);
  EXPECT_EQ(LittleAt(plain, 0x10), plain.size() - 40);
  const auto intel = ReadZip(EveryChip(IntelElements()).File("BasebandFirmware"));
  const Bytes& psi = intel->at("psi_ram.bin");
  EXPECT_EQ(LittleAt(psi, 4), 0x5548696CU);
  EXPECT_EQ(LittleAt(psi, 0x10), psi.size());
  EXPECT_EQ(AsText(std::span(intel->at("systemsw.elf")).subspan(1, 3)), "ELF");
}

// Real side files of an iPhone X: what Apple's digests cover.
TEST(RealSideFiles, SavageDigestsCoverTheWholeFile) {
  const std::string folder = std::string(RACK_SOURCE_DIR) + "/../../../shared/data";
  const std::string manifest =
      folder + "/manifests/BuildManifest_iPhone10,3_10,6_11.2_15C114.plist";
  const auto text = station::ReadFile(manifest);
  if (!text) GTEST_SKIP() << "no real manifests here";
  const Value parsed = Value::Parse(*text).value();
  const Value& components = *parsed.Find("BuildIdentities")->AsArray()->front().Find("Manifest");
  for (const char* patch : {"B0-Dev", "B0-Prod", "B2-Dev", "B2-Prod"}) {
    const auto file =
        station::ReadFile(folder + "/side-files/iPhone10,3_11.2/Savage_Savage." + patch + ".fw");
    if (!file) GTEST_SKIP() << "no real side files here";
    EXPECT_EQ(*components.Find("Savage," + std::string(patch) + "-Patch")->Data("Digest"),
              Hash(HashKind::kSha256, AsBytes(*file)));
  }
}

}  // namespace
}  // namespace rack
