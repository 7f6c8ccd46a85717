// BasebandData: which files a phone gets in which round, where its signatures go, when a ticket is
// asked for again.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zip.h>

#include "firmware_world.h"
#include "station/restore/baseband_package.h"

namespace station::restore {
namespace {

using plist::Plist;
using testing::Bytes;
using ::testing::ElementsAre;
using testing::FirmwareWorld;
using testing::KeptAnswers;
using ::testing::Pair;
using testing::ParseXml;
using testing::ToBytes;

Bytes MakeZip(const std::map<std::string, Bytes>& members) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(nullptr, 0, 0, &error);
  zip_source_keep(source);
  zip_t* archive = zip_open_from_source(source, ZIP_TRUNCATE, &error);
  for (const auto& [name, bytes] : members)
    zip_file_add(archive, name.c_str(), zip_source_buffer(archive, bytes.data(), bytes.size(), 0),
                 0);
  EXPECT_EQ(zip_close(archive), 0);
  zip_stat_t facts;
  zip_source_stat(source, &facts);
  Bytes bytes(facts.size);
  zip_source_open(source);
  zip_source_read(source, bytes.data(), bytes.size());
  zip_source_close(source);
  zip_source_free(source);
  return bytes;
}

std::map<std::string, Bytes> ReadZip(const Bytes& bytes) {
  std::map<std::string, Bytes> members;
  zip_error_t error;
  zip_error_init(&error);
  zip_t* archive = zip_open_from_source(
      zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error), ZIP_CHECKCONS, &error);
  EXPECT_NE(archive, nullptr);
  if (archive == nullptr) return members;
  for (zip_int64_t i = 0; i < zip_get_num_entries(archive, 0); ++i) {
    zip_stat_t facts;
    zip_stat_index(archive, static_cast<zip_uint64_t>(i), 0, &facts);
    Bytes content(facts.size);
    zip_file_t* file = zip_fopen_index(archive, static_cast<zip_uint64_t>(i), 0);
    zip_fread(file, content.data(), content.size());
    zip_fclose(file);
    members[facts.name] = content;
  }
  zip_discard(archive);
  return members;
}

const std::map<std::string, Bytes> kIntel = {
    {"psi_ram.bin", Bytes(64, 1)}, {"restorepsi.bin", Bytes(64, 2)},
    {"ebl.bin", Bytes(10, 3)},     {"SYS_SW.elf", Bytes(10, 4)},
    {"Info.plist", Bytes(10, 5)},  {"nested/extra.txt", Bytes(10, 6)}};

Plist Answer(const std::map<std::string, Bytes>& blobs, std::uint8_t ticket = 9) {
  Plist firmware = Plist::Dict();
  for (const auto& [element, bytes] : blobs) firmware.Set(element + "-Blob", Plist::Data(bytes));
  firmware.Set("PSI-Version", Plist::Integer(7));  // is no blob
  Plist answer = Plist::Dict();
  answer.Set("BBTicket", Plist::Data(Bytes(12, ticket)))
      .Set("BasebandFirmware", std::move(firmware));
  return answer;
}

Bytes Signed(std::size_t size, std::uint8_t fill, std::size_t blob_size, std::uint8_t blob) {
  Bytes bytes(size, fill);
  std::fill(bytes.end() - static_cast<std::ptrdiff_t>(blob_size), bytes.end(), blob);
  return bytes;
}

TEST(BasebandPackage, FirstRound_OnlyWhatIsSigned) {
  const auto package = BuildBasebandPackage(
      MakeZip(kIntel), Answer({{"PSI", Bytes(16, 0xA1)}, {"RestorePSI", Bytes(16, 0xA2)}}).Get(),
      0x60, false);
  ASSERT_TRUE(package) << package.error().context;
  EXPECT_THAT(ReadZip(*package), ElementsAre(Pair("psi_ram.bin", Signed(64, 1, 16, 0xA1)),
                                             Pair("restorepsi.bin", Signed(64, 2, 16, 0xA2))));
}

TEST(BasebandPackage, WithNonce_ImagesAndTicket) {
  const auto package =
      BuildBasebandPackage(MakeZip(kIntel), Answer({{"PSI", Bytes(16, 0xA1)}}).Get(), 0x60, true);
  ASSERT_TRUE(package) << package.error().context;
  EXPECT_THAT(
      ReadZip(*package),
      ElementsAre(Pair("SYS_SW.elf", Bytes(10, 4)), Pair("bbticket.der", Bytes(12, 9)),
                  Pair("ebl.bin", Bytes(10, 3)), Pair("psi_ram.bin", Signed(64, 1, 16, 0xA1)),
                  Pair("restorepsi.bin", Bytes(64, 2))));
}

TEST(BasebandPackage, DependsOnItsInputAlone) {
  const Bytes zip = MakeZip(kIntel);
  const auto once = BuildBasebandPackage(zip, Answer({{"PSI", Bytes(16, 0xA1)}}).Get(), 0x60, true);
  const auto twice =
      BuildBasebandPackage(zip, Answer({{"PSI", Bytes(16, 0xA1)}}).Get(), 0x60, true);
  ASSERT_TRUE(once && twice);
  EXPECT_EQ(*once, *twice);
}

TEST(BasebandPackage, QualcommElementsGoIntoTheirFiles) {
  const std::map<std::string, Bytes> mav20 = {{"sbl1.mbn", Bytes(40, 1)},
                                              {"restoresbl1.mbn", Bytes(40, 2)},
                                              {"multi_image.mbn", Bytes(40, 3)}};
  const auto package = BuildBasebandPackage(
      MakeZip(mav20),
      Answer({{"SBL1", Bytes(8, 0xB1)}, {"RestoreSBL1", Bytes(8, 0xB2)}, {"Misc", Bytes(8, 0xB3)}})
          .Get(),
      0x0E50E1, false);
  ASSERT_TRUE(package) << package.error().context;
  EXPECT_THAT(ReadZip(*package), ElementsAre(Pair("multi_image.mbn", Signed(40, 3, 8, 0xB3)),
                                             Pair("restoresbl1.mbn", Signed(40, 2, 8, 0xB2)),
                                             Pair("sbl1.mbn", Signed(40, 1, 8, 0xB1))));
}

struct Wrong {
  const char* name;
  std::map<std::string, Bytes> blobs;
  std::uint64_t chip;
  ErrorCode code;
};
void PrintTo(const Wrong& row, std::ostream* out) { *out << row.name; }
class WrongAnswer : public ::testing::TestWithParam<Wrong> {};
TEST_P(WrongAnswer, IsRefused) {
  const auto package =
      BuildBasebandPackage(MakeZip(kIntel), Answer(GetParam().blobs).Get(), GetParam().chip, true);
  ASSERT_FALSE(package);
  EXPECT_EQ(package.error().code, GetParam().code) << package.error().context;
}
INSTANTIATE_TEST_SUITE_P(
    Baseband, WrongAnswer,
    ::testing::Values(
        Wrong{"unknown_element", {{"Xyz", Bytes(4, 1)}}, 0x60, ErrorCode::kUpdaterUnsupported},
        Wrong{"element_of_another_chip",
              {{"PSI", Bytes(4, 1)}},
              0x1F30E1,
              ErrorCode::kUpdaterUnsupported},
        Wrong{"file_missing", {{"SBL1", Bytes(4, 1)}}, 0x60, ErrorCode::kFirmwareMemberMissing},
        Wrong{"blob_too_long", {{"PSI", Bytes(65, 1)}}, 0x60, ErrorCode::kFirmwareMalformed},
        Wrong{"nothing_signed", {}, 0x60, ErrorCode::kSigningBadAnswer}),
    [](const auto& row) { return row.param.name; });

TEST(BasebandPackage, NotAZipIsRefused) {
  EXPECT_EQ(BuildBasebandPackage(Bytes(100, 7), Answer({{"PSI", Bytes(4, 1)}}).Get(), 0x60, true)
                .error()
                .code,
            ErrorCode::kFirmwareMalformed);
}

FirmwareWorld World() {
  return {ParseXml("<plist><dict><key>UniqueBuildID</key><data>AQI=</data><key>Info</"
                   "key><dict><key>DeviceClass</key><string>d20ap</string></dict>"
                   "<key>Manifest</key><dict><key>BasebandFirmware</key><dict><key>Info</"
                   "key><dict><key>Path</key><string>Firmware/ICE.bbfw</string></dict></dict></"
                   "dict></dict></plist>"),
          {{"Firmware/ICE.bbfw", MakeZip(kIntel)}}};
}
std::string Arguments(const std::string& nonce_base64) {
  std::string xml =
      "<dict><key>ChipID</key><integer>96</integer><key>CertID</key><integer>5</"
      "integer><key>ChipSerialNo</key><data>AQIDBA==</data>";
  if (!nonce_base64.empty()) xml += "<key>Nonce</key><data>" + nonce_base64 + "</data>";
  return xml + "</dict>";
}

TEST(BasebandData, EachNonceIsSignedForOnce) {
  FirmwareWorld world = World();
  world.signer_answer = Answer({{"PSI", Bytes(16, 0xA1)}});
  KeptAnswers channel;
  for (const char* nonce : {"", "AAAA", "AAAA", "BBBB"})
    ASSERT_TRUE(world.Provide("BasebandData", Arguments(nonce), channel)) << nonce;
  ASSERT_EQ(world.asked.size(), 3U) << "the second AAAA was answered from memory";
  EXPECT_FALSE(world.asked[0]["BbNonce"].Present());
  EXPECT_TRUE(world.asked[1]["BbNonce"].IsData());
  EXPECT_EQ(world.asked[1]["BbGoldCertId"].Integer(), 5U);
  ASSERT_EQ(channel.sent.size(), 4U);
  const auto last = *channel.sent[3]["BasebandData"].Data();
  EXPECT_TRUE(ReadZip({last.begin(), last.end()}).contains("bbticket.der"));
}

TEST(BasebandData, TicketThatCameWithTheApTicketIsUsed_ForItsNonceOnly) {
  FirmwareWorld world = World();
  world.signer_answer = Answer({{"PSI", Bytes(16, 0xA1)}}, 1);
  const Plist ap_answer = Answer({{"PSI", Bytes(16, 0xA2)}}, 2);
  const Plist preflight = ParseXml("<plist><dict><key>Nonce</key><data>AAAA</data></dict></plist>");
  world.setup.ap_answer = ap_answer.Get();
  world.setup.preflight = preflight.Get();
  KeptAnswers channel;
  ASSERT_TRUE(world.Provide("BasebandData", Arguments("AAAA"), channel));
  EXPECT_TRUE(world.asked.empty());
  ASSERT_TRUE(world.Provide("BasebandData", Arguments("BBBB"), channel));
  EXPECT_EQ(world.asked.size(), 1U);
}

TEST(BasebandData, NeedsSerialAndAnswer) {
  FirmwareWorld world = World();
  KeptAnswers channel;
  EXPECT_EQ(world.Provide("BasebandData", "<dict/>", channel).error().code,
            ErrorCode::kRestoreDialogue);
  EXPECT_EQ(world.Provide("BasebandData", Arguments(""), channel).error().code,
            ErrorCode::kSigningBadAnswer);
}

}  // namespace
}  // namespace station::restore
