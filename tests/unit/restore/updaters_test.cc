// FirmwareUpdaterData: ticket and firmware bytes of each chip in the form the reference states
// (6.8).

#include <gtest/gtest.h>

#include "firmware_world.h"
#include "station/restore/ftab.h"

namespace station::restore {
namespace {

using plist::Plist;
using testing::Bytes;
using testing::FirmwareWorld;
using testing::KeptAnswers;
using testing::ParseXml;
using testing::ToBytes;

void Put32(Bytes& bytes, std::size_t at, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) bytes.at(at + i) = static_cast<std::uint8_t>(value >> (8 * i));
}

// Header of 48 bytes, entries of 16, data: written out by hand.
Bytes MakeFtab(const std::vector<std::pair<std::string, Bytes>>& entries) {
  Bytes table(48 + entries.size() * 16);
  Put32(table, 0, 1);
  Put32(table, 4, 0xFFFFFFFF);
  std::copy_n("rkosftab", 8, table.begin() + 32);
  Put32(table, 40, static_cast<std::uint32_t>(entries.size()));
  for (std::size_t i = 0; i < entries.size(); ++i) {
    std::copy(entries[i].first.begin(), entries[i].first.end(),
              table.begin() + 48 + static_cast<std::ptrdiff_t>(i * 16));
    Put32(table, 48 + i * 16 + 4, static_cast<std::uint32_t>(table.size()));
    Put32(table, 48 + i * 16 + 8, static_cast<std::uint32_t>(entries[i].second.size()));
    table.insert(table.end(), entries[i].second.begin(), entries[i].second.end());
  }
  return table;
}

TEST(Ftab, EntryIsAppendedBehindTheOthers) {
  auto table = Ftab::Parse(MakeFtab({{"rkos", Bytes(5, 1)}, {"bver", Bytes(3, 2)}}));
  ASSERT_TRUE(table) << table.error().context;
  EXPECT_EQ(table->Tag(), "rkos");
  table->Append("rrko", Bytes(4, 3));
  EXPECT_EQ(table->Write(),
            MakeFtab({{"rkos", Bytes(5, 1)}, {"bver", Bytes(3, 2)}, {"rrko", Bytes(4, 3)}}));
  EXPECT_FALSE(table->Find("none"));
}

TEST(Ftab, EveryTruncationIsRefused) {
  const Bytes table = MakeFtab({{"rkos", Bytes(5, 1)}});
  for (std::size_t size = 0; size < table.size(); ++size)
    EXPECT_FALSE(Ftab::Parse(std::span(table).first(size))) << size;
  Bytes many = table;
  Put32(many, 40, 0xFFFFFFFF);
  EXPECT_FALSE(Ftab::Parse(many));
}

FirmwareWorld World() {
  const auto entry = [](const std::string& name, const std::string& path,
                        const std::string& more = "") {
    return "<key>" + name + "</key><dict><key>Digest</key><data>AQID</data>" + more +
           "<key>Info</key><dict><key>Path</key><string>" + path + "</string></dict></dict>";
  };
  const std::string map =
      R"(<plist version="1.0"><dict><key>fw</key><integer>1</integer></dict></plist>)";
  return {ParseXml("<plist><dict><key>Info</key><dict><key>DeviceClass</key><string>d22ap</"
                   "string></dict><key>Manifest</key><dict>" +
                   entry("SEP", "sep") + entry("SE,UpdatePayload", "se.sefw") +
                   entry("SE,Firmware", "se.fw") + entry("Savage,B0-Prod-Patch", "savage.fw") +
                   entry("Yonkers,SysTopPatch1", "yonkers.fw", "<key>EPRO</key><true/>") +
                   entry("Rap,RTKitOS", "ftab.bin") + entry("Rap,RestoreRTKitOS", "rftab.bin") +
                   entry("BMU,FirmwareMap", "map.plist") + entry("Baobab,TCON", "tcon.bin") +
                   entry("Timer,RTKitOS,2", "ftab.bin") +
                   entry("Timer,RestoreRTKitOS,2", "rftab.bin") + "</dict></dict></plist>"),
          {{"sep", Bytes(1, 1)},
           {"se.sefw", ToBytes("payload")},
           {"se.fw", ToBytes("firmware")},
           {"savage.fw", Bytes(300, 7)},
           {"yonkers.fw", ToBytes("patch")},
           {"ftab.bin", MakeFtab({{"rkos", Bytes(5, 1)}})},
           {"rftab.bin", MakeFtab({{"xxxx", Bytes(2, 9)}, {"rrko", Bytes(4, 3)}})},
           {"map.plist", ToBytes(map)},
           {"tcon.bin", ToBytes("tcon")}}};
}

std::string Ask(const std::string& updater, const std::string& info, const std::string& more = "") {
  return "<dict><key>MessageArgType</key><string>FirmwareResponseData</"
         "string><key>MessageArgUpdaterName</key><string>" +
         updater + "</string><key>MessageArgInfo</key><dict>" + info + "</dict>" + more + "</dict>";
}
std::string Data(const std::string& key) { return "<key>" + key + "</key><data>AQID</data>"; }
std::string Flag(const std::string& key) { return "<key>" + key + "</key><true/>"; }
std::string Number(const std::string& key, std::uint64_t value) {
  return "<key>" + key + "</key><integer>" + std::to_string(value) + "</integer>";
}

std::string SecureElement(std::uint64_t chip) {
  return Number("SE,ChipID", chip) + Data("SE,ID") + Data("SE,Nonce") +
         Data("SE,RootKeyIdentifier");
}
const std::string kSavage = Data("Savage,UID") + Data("Savage,Nonce") +
                            Number("Savage,PatchEpoch", 0) + Number("Savage,ChipID", 1) +
                            Flag("Savage,AllowOfflineBoot") + Flag("Savage,ReadFWKey") +
                            Flag("Savage,ReadECKey") + Flag("Savage,ProductionMode");
const std::string kYonkers = "<key>YonkersDeviceInfo</key><dict>" + Data("Yonkers,ECID") +
                             Data("Yonkers,Nonce") + Flag("Yonkers,ProductionMode") + "</dict>";
const std::string kRetimer =
    "<key>InfoArray</key><array><dict>" + Number("TagNumber", 2) +
    "<key>TicketName</key><string>Timer,Ticket,2</string><key>HardwareID</key><dict>" +
    Number("ChipID", 1) + "</dict></dict></array>";

Bytes SavagePrefixed() {
  Bytes bytes(16);
  bytes[4] = 0x2C;  // 300, least significant first
  bytes[5] = 0x01;
  bytes.insert(bytes.end(), 300, 7);
  return bytes;
}

struct Row {
  const char* name;
  std::string updater, info, ticket;
  Bytes firmware;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class UpdaterFirmwareBytes : public ::testing::TestWithParam<Row> {};
TEST_P(UpdaterFirmwareBytes, AreInTheFormItsUpdaterWants) {
  FirmwareWorld world = World();
  world.signer_answer.Set(GetParam().ticket, Plist::Data(Bytes(9, 8)));
  KeptAnswers channel;
  const auto done =
      world.Provide("FirmwareUpdaterData", Ask(GetParam().updater, GetParam().info), channel);
  ASSERT_TRUE(done) << done.error().context;
  ASSERT_EQ(channel.sent.size(), 1U);
  const auto response = channel.sent[0]["FirmwareResponseData"];
  EXPECT_TRUE(response[GetParam().ticket].IsData()) << "the signer's answer is passed on";
  auto firmware = response["FirmwareData"];
  if (firmware.IsDict()) firmware = firmware["YonkersFirmware"];
  ASSERT_TRUE(firmware.IsData());
  EXPECT_EQ(Bytes(firmware.Data()->begin(), firmware.Data()->end()), GetParam().firmware);
  ASSERT_EQ(world.asked.size(), 1U);
  EXPECT_EQ(world.asked[0]["@" + GetParam().ticket].Bool(), true);
}
INSTANTIATE_TEST_SUITE_P(
    Chips, UpdaterFirmwareBytes,
    ::testing::Values(
        Row{"se_payload", "SE", SecureElement(0x73), "SE,Ticket", ToBytes("payload")},
        Row{"se_firmware", "SE", SecureElement(0x20211), "SE,Ticket", ToBytes("firmware")},
        Row{"se_of_unknown_kind", "SE", SecureElement(0x9999), "SE,Ticket", ToBytes("payload")},
        Row{"savage", "Savage", kSavage, "Savage,Ticket", SavagePrefixed()},
        Row{"yonkers", "Savage", kYonkers, "Yonkers,Ticket", ToBytes("patch")},
        Row{"rose", "Rose", Data("Rap,Nonce"), "Rap,Ticket",
            MakeFtab({{"rkos", Bytes(5, 1)}, {"rrko", Bytes(4, 3)}})},
        Row{"retimer", "AppleTypeCRetimer", kRetimer, "Timer,Ticket,2",
            MakeFtab({{"rkos", Bytes(5, 1)}, {"rrko", Bytes(4, 3)}})},
        Row{"tcon", "AppleTCON", Flag("Baobab,ProductionMode"), "Baobab,Ticket", ToBytes("tcon")}),
    [](const auto& row) { return row.param.name; });

TEST(Updaters, VeridianMapCarriesItsDigest_AsBinaryList) {
  FirmwareWorld world = World();
  world.signer_answer.Set("BMU,Ticket", Plist::Data(Bytes(9, 8)));
  KeptAnswers channel;
  ASSERT_TRUE(world.Provide("FirmwareUpdaterData", Ask("T200", Data("Nonce")), channel));
  const auto bytes = *channel.sent[0]["FirmwareResponseData"]["FirmwareData"].Data();
  EXPECT_EQ(std::string(bytes.begin(), bytes.begin() + 8), "bplist00");
  const auto map = Plist::Parse(bytes);
  ASSERT_TRUE(map);
  EXPECT_EQ((*map)["fw"].Integer(), 1U);
  EXPECT_EQ((*map)["fw_map_digest"].Data()->size(), 3U);
}

TEST(Updaters, FirmwareGoesWithTheTicketOnlyWherePhonesWantIt) {
  const auto sent_firmware = [](const std::string& tags) {
    FirmwareWorld world = World();
    world.signer_answer.Set("SE,Ticket", Plist::Data(Bytes(9, 8)));
    KeptAnswers channel;
    EXPECT_TRUE(
        world.Provide("FirmwareUpdaterData", Ask("SE", SecureElement(0x73), tags), channel));
    return channel.sent.at(0)["FirmwareResponseData"]["FirmwareData"].Present();
  };
  const auto tags = [](const std::string& list) {
    return "<key>DeviceGeneratedTags</key><dict><key>ResponseTags</key><array>" + list +
           "</array></dict>";
  };
  EXPECT_TRUE(sent_firmware("")) << "older phones list nothing";
  EXPECT_FALSE(sent_firmware(tags("<string>SE,Ticket</string>")));
  EXPECT_TRUE(sent_firmware(tags("<string>SE,Ticket</string><string>FirmwareData</string>")));
}

TEST(Updaters, UnknownChipIsSignedForWithWhatThePhoneGenerated) {
  FirmwareWorld world = World();
  world.signer_answer.Set("New,Ticket", Plist::Data(Bytes(9, 8)));
  KeptAnswers channel;
  ASSERT_TRUE(world.Provide("FirmwareUpdaterData",
                            Ask("BrandNew", "",
                                "<key>DeviceGeneratedRequest</key><dict><key>@New,Ticket</"
                                "key><true/><key>New,Nonce</key><data>AQ==</data></dict>"
                                "<key>DeviceGeneratedTags</key><dict><key>ResponseTags</"
                                "key><array><string>New,Ticket</string></array></dict>"),
                            channel));
  EXPECT_TRUE(world.asked[0]["New,Nonce"].IsData());
  EXPECT_TRUE(channel.sent[0]["FirmwareResponseData"]["New,Ticket"].IsData());
  EXPECT_EQ(world.Provide("FirmwareUpdaterData", Ask("BrandNew", ""), channel).error().code,
            ErrorCode::kUpdaterUnsupported);
}

TEST(Updaters, AnEndlessLoopEnds) {
  FirmwareWorld world = World();
  world.signer_answer.Set("SE,Ticket", Plist::Data(Bytes(9, 8)));
  KeptAnswers channel;
  Status done;
  for (int round = 0; round < 100 && done; ++round)
    done = world.Provide("FirmwareUpdaterData", Ask("SE", SecureElement(0x73)), channel);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kUpdaterLoop);
}

// A phone in mid-restore can start nothing else: a signing server that comes back is worth waiting
// for.
TEST(Updaters, SigningServerOutOfReachIsAskedAgain_ARefusalIsNot) {
  FirmwareWorld world = World();
  int asked = 0;
  world.setup.ask = [&](plist::Plist) -> Result<plist::Plist> {
    if (++asked < 4)
      return Fail(asked == 2 ? ErrorCode::kSigningBusy : ErrorCode::kSigningUnreachable, "away");
    Plist answer = Plist::Dict();
    answer.Set("SE,Ticket", Plist::Data(Bytes(9, 8)));
    return answer;
  };
  KeptAnswers channel;
  EXPECT_TRUE(world.Provide("FirmwareUpdaterData", Ask("SE", SecureElement(0x73)), channel));
  EXPECT_EQ(asked, 4);
  asked = -100;
  EXPECT_EQ(
      world.Provide("FirmwareUpdaterData", Ask("SE", SecureElement(0x73)), channel).error().code,
      ErrorCode::kSigningUnreachable);
  EXPECT_EQ(asked, -94) << "bounded";
  world.setup.ask = [&](plist::Plist) -> Result<plist::Plist> {
    ++asked;
    return Fail(ErrorCode::kSigningNotSigned, "94");
  };
  EXPECT_FALSE(world.Provide("FirmwareUpdaterData", Ask("SE", SecureElement(0x73)), channel));
  EXPECT_EQ(asked, -93);
}

TEST(Updaters, SignersRefusalAndIncompleteRequestsAreErrors) {
  FirmwareWorld world = World();
  KeptAnswers channel;
  EXPECT_EQ(world.Provide("FirmwareUpdaterData", "<dict/>", channel).error().code,
            ErrorCode::kRestoreDialogue);
  EXPECT_EQ(
      world.Provide("FirmwareUpdaterData", Ask("SE", SecureElement(0x73)), channel).error().code,
      ErrorCode::kSigningBadAnswer);
  world.setup.ask = [](plist::Plist) -> Result<plist::Plist> {
    return Fail(ErrorCode::kSigningNotSigned, "94");
  };
  EXPECT_EQ(
      world.Provide("FirmwareUpdaterData", Ask("SE", SecureElement(0x73)), channel).error().code,
      ErrorCode::kSigningNotSigned);
  EXPECT_TRUE(channel.sent.empty());
}

}  // namespace
}  // namespace station::restore
