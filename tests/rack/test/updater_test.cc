// Updaters of the chips beside the application processor: what a phone asks, accepts and refuses.

#include "tests/rack/restore/updaters.h"

#include <gtest/gtest.h>

#include "station/base/ids.h"
#include "tests/rack/forge/ftab.h"
#include "tests/rack/test/side_host.h"

namespace rack {
namespace {

const SideFirmware& Firmware() {
  static const SideFirmware firmware = EveryChip();
  return firmware;
}

// The firmware without the chip that took another's place.
SideFirmware Without(const std::string& prefix) {
  SideFirmware firmware = Firmware();
  std::erase_if(firmware.ramdisk.components["d20ap"],
                [&](const std::string& name) { return name.starts_with(prefix); });
  return firmware;
}

std::string ManifestDigest(const std::string& component, const char* key = "Digest") {
  return station::ToHex(*Firmware().Identity().Find("Manifest")->Find(component)->Data(key));
}

struct Chip {
  const char* name;
  Updater updater;
  std::map<std::string, const char*> written;  // components to the key of their digest
  bool old_hosts;
};
void PrintTo(const Chip& row, std::ostream* out) { *out << row.name; }

class EachChip : public testing::TestWithParam<Chip> {
 protected:
  static SideFirmware FirmwareFor(Updater updater) {
    return updater == Updater::kSavage ? Without("Yonkers,") : Firmware();
  }
  static void ExpectWritten(Phone& phone) {
    std::map<std::string, std::string> expected;
    for (const auto& [component, key] : GetParam().written)
      expected[component] = ManifestDigest(component, key);
    EXPECT_EQ(phone.State().firmware, expected);
  }
};

TEST_P(EachChip, IsWrittenFromAHostThatServesWhatThePhoneGenerates) {
  const SideFirmware firmware = FirmwareFor(GetParam().updater);
  SideHost host(firmware);
  SideBench bench(firmware, host, true);
  ASSERT_TRUE(PreflightAsked(bench.Run()));
  ASSERT_TRUE(AskPreflight(bench.Run()));
  ASSERT_TRUE(UpdaterAsked(bench.Run(), GetParam().updater));
  const StepResult done = RunUpdater(bench.Run(), GetParam().updater);
  ASSERT_TRUE(done) << done.error().detail;
  ExpectWritten(bench.Device());
}

TEST_P(EachChip, IsWrittenFromAnOldHostOrNotAskedOfIt) {
  const SideFirmware firmware = FirmwareFor(GetParam().updater);
  SideHost host(firmware);
  SideBench bench(firmware, host, false);
  ASSERT_EQ(UpdaterAsked(bench.Run(), GetParam().updater), GetParam().old_hosts);
  if (!GetParam().old_hosts) return;
  const StepResult done = RunUpdater(bench.Run(), GetParam().updater);
  ASSERT_TRUE(done) << done.error().detail;
  ExpectWritten(bench.Device());
  const Value& arguments = *host.asked.at(0).Find("Arguments");
  EXPECT_EQ(arguments.Text("MessageArgType"), "FirmwareResponseData");
  EXPECT_EQ(arguments.Find("DeviceGeneratedRequest"), nullptr);
}

INSTANTIATE_TEST_SUITE_P(
    Table, EachChip,
    testing::Values(
        Chip{"Se", Updater::kSe, {{"SE,UpdatePayload", "ProductionUpdatePayloadHash"}}, true},
        Chip{"Savage", Updater::kSavage, {{"Savage,B2-Prod-Patch", "Digest"}}, true},
        Chip{"Yonkers", Updater::kYonkers, {{"Yonkers,SysTopPatch1", "Digest"}}, true},
        Chip{"Rose",
             Updater::kRose,
             {{"Rap,RTKitOS", "Digest"},
              {"Rap,SoftwareBinaryDsp1", "Digest"},
              {"Rap,RestoreRTKitOS", "Digest"}},
             true},
        Chip{"Veridian", Updater::kVeridian, {{"BMU,FirmwareMap", "Digest"}}, true},
        Chip{"Tcon", Updater::kTcon, {{"Baobab,TCON", "Digest"}}, false},
        Chip{"Retimer",
             Updater::kRetimer,
             {{"Timer,RTKitOS,1", "Digest"}, {"Timer,RestoreRTKitOS,1", "Digest"}},
             false},
        Chip{"Vinyl", Updater::kVinyl, {}, false}, Chip{"Centauri", Updater::kCentauri, {}, false},
        Chip{"Cryptex1", Updater::kCryptex1, {}, false}),
    [](const auto& row) { return row.param.name; });

struct Spoiled {
  const char* name;
  Updater updater;
  Reason reason;
  void (*spoil)(SideHost& host);
};
void PrintTo(const Spoiled& row, std::ostream* out) { *out << row.name; }

class SpoiledUpdate : public testing::TestWithParam<Spoiled> {};

TEST_P(SpoiledUpdate, IsRefusedAndNothingWritten) {
  const SideFirmware firmware =
      GetParam().updater == Updater::kSavage ? Without("Yonkers,") : Firmware();
  SideHost host(firmware);
  GetParam().spoil(host);
  SideBench bench(firmware, host, false);
  const StepResult done = RunUpdater(bench.Run(), GetParam().updater);
  ASSERT_FALSE(done);
  EXPECT_EQ(Name(done.error().reason), Name(GetParam().reason)) << done.error().detail;
  EXPECT_TRUE(bench.Device().State().firmware.empty());
}

Bytes FirmwareData(const Value& response) { return *response.Data("FirmwareData"); }

void FlipFirmware(Value& response, std::size_t at) {
  Bytes data = FirmwareData(response);
  data.at(at) ^= 1U;
  response.Set("FirmwareData", data);
}

INSTANTIATE_TEST_SUITE_P(
    Table, SpoiledUpdate,
    testing::Values(
        Spoiled{"OtherNonce", Updater::kSe, Reason::kUpdaterNonce,
                [](SideHost& h) { h.request = [](Value& r) { r.Set("SE,Nonce", Bytes(20, 1)); }; }},
        Spoiled{"OtherId", Updater::kSe, Reason::kUpdaterIdentity,
                [](SideHost& h) { h.request = [](Value& r) { r.Set("SE,ID", Bytes(24, 1)); }; }},
        Spoiled{"NoTicket", Updater::kSe, Reason::kUpdaterTicket,
                [](SideHost& h) { h.response = [](Value& r) { r.Erase("SE,Ticket"); }; }},
        Spoiled{
            "ForeignTicket", Updater::kSe, Reason::kUpdaterTicket,
            [](SideHost& h) { h.response = [](Value& r) { r.Set("SE,Ticket", Bytes(512, 1)); }; }},
        Spoiled{"AlteredTicket", Updater::kSe, Reason::kUpdaterTicket,
                [](SideHost& h) {
                  h.response = [](Value& r) {
                    Bytes ticket = *r.Data("SE,Ticket");
                    ticket.at(ticket.size() / 8) ^= 1U;
                    r.Set("SE,Ticket", ticket);
                  };
                }},
        Spoiled{"AlteredFirmware", Updater::kSe, Reason::kUpdaterFirmware,
                [](SideHost& h) { h.response = [](Value& r) { FlipFirmware(r, 1000); }; }},
        Spoiled{"NoFirmware", Updater::kSe, Reason::kUpdaterAnswer,
                [](SideHost& h) { h.silent_on_data = true; }},
        Spoiled{"TicketForOtherFirmware", Updater::kSe, Reason::kUpdaterFirmware,
                [](SideHost& h) {
                  h.request = [](Value& r) {
                    r.Find("SE,UpdatePayload")->Set("ProductionUpdatePayloadHash", Bytes(32, 1));
                  };
                }},
        Spoiled{"SavageWithoutPrefix", Updater::kSavage, Reason::kUpdaterAnswer,
                [](SideHost& h) {
                  h.response = [](Value& r) {
                    const Bytes data = FirmwareData(r);
                    r.Set("FirmwareData", Bytes(data.begin() + 16, data.end()));
                  };
                }},
        Spoiled{
            "SavageOtherNonce", Updater::kSavage, Reason::kUpdaterNonce,
            [](SideHost& h) { h.request = [](Value& r) { r.Set("Savage,Nonce", Bytes(20, 1)); }; }},
        Spoiled{"YonkersOfTheOtherKind", Updater::kYonkers, Reason::kUpdaterAnswer,
                [](SideHost& h) {
                  h.response = [](Value& r) { r.Set("FirmwareData", Bytes(100, 1)); };
                }},
        Spoiled{"RoseWithoutRestoreImage", Updater::kRose, Reason::kUpdaterAnswer,
                [](SideHost& h) {
                  h.response = [](Value& r) {
                    const Bytes data = FirmwareData(r);
                    std::map<std::string, Bytes> parts;
                    for (const char* tag : {"rkos", "sbd1"}) {
                      const auto part = *FtabPart(data, tag);
                      parts[tag] = Bytes(part.begin(), part.end());
                    }
                    r.Set("FirmwareData", WriteFtab(parts));
                  };
                }},
        Spoiled{"RoseAltered", Updater::kRose, Reason::kUpdaterFirmware,
                [](SideHost& h) { h.response = [](Value& r) { FlipFirmware(r, 5000); }; }},
        Spoiled{"RoseNoFtab", Updater::kRose, Reason::kUpdaterAnswer,
                [](SideHost& h) {
                  h.response = [](Value& r) { r.Set("FirmwareData", Bytes(5000, 1)); };
                }},
        Spoiled{"VeridianAsXml", Updater::kVeridian, Reason::kUpdaterAnswer,
                [](SideHost& h) {
                  h.response = [](Value& r) {
                    const std::string xml = Value::Parse(FirmwareData(r)).value().ToXml();
                    r.Set("FirmwareData", Bytes(xml.begin(), xml.end()));
                  };
                }},
        Spoiled{"VeridianWithoutDigest", Updater::kVeridian, Reason::kUpdaterAnswer,
                [](SideHost& h) {
                  h.response = [](Value& r) {
                    Value map = Value::Parse(FirmwareData(r)).value();
                    map.Erase("fw_map_digest");
                    const std::string binary = map.ToBinary();
                    r.Set("FirmwareData", Bytes(binary.begin(), binary.end()));
                  };
                }},
        Spoiled{"VeridianOtherMap", Updater::kVeridian, Reason::kUpdaterFirmware,
                [](SideHost& h) {
                  h.response = [](Value& r) {
                    Value map = Value::Parse(FirmwareData(r)).value();
                    map.Set("FirmwareMapVersion", 2);
                    const std::string binary = map.ToBinary();
                    r.Set("FirmwareData", Bytes(binary.begin(), binary.end()));
                  };
                }}),
    [](const auto& row) { return row.param.name; });

TEST(Updaters, AskAgainWithNewNoncesBeforeTheyGiveUp) {
  SideHost host(Firmware());
  host.response = [](Value& r) { r.Erase("SE,Ticket"); };
  SideBench bench(Firmware(), host, false);
  EXPECT_FALSE(RunUpdater(bench.Run(), Updater::kSe));
  ASSERT_EQ(host.asked.size(), 3U);
  std::set<Bytes> nonces;
  for (std::uint64_t i = 0; i < 3; ++i) {
    const Value& arguments = *host.asked[i].Find("Arguments");
    EXPECT_EQ(arguments.Number("MessageArgUpdaterLoopCount"), i + 1);
    nonces.insert(*arguments.Find("MessageArgInfo")->Data("SE,Nonce"));
  }
  EXPECT_EQ(nonces.size(), 3U);
}

TEST(Updaters, TicketOfAnEarlierRoundIsRefused) {
  SideHost host(Firmware());
  Value kept;
  host.answer = [&kept](Value& answer) {
    if (kept.AsDict()->empty()) kept = answer;
    answer = kept;
  };
  SideBench bench(Firmware(), host, false);
  ASSERT_TRUE(RunUpdater(bench.Run(), Updater::kSe));
  const StepResult again = RunUpdater(bench.Run(), Updater::kSe);
  ASSERT_FALSE(again);
  EXPECT_EQ(Name(again.error().reason), Name(Reason::kUpdaterNonce));
}

TEST(Updaters, LoopFaultAsksThatOftenMore) {
  SideHost host(Firmware());
  SideBench bench(Firmware(), host, false);
  ASSERT_TRUE(bench.Device().SetFault({"updater-loop", "SE", "4"}));
  EXPECT_TRUE(RunUpdater(bench.Run(), Updater::kSe));
  EXPECT_EQ(host.asked.size(), 5U);
  EXPECT_TRUE(RunUpdater(bench.Run(), Updater::kRose));
  EXPECT_EQ(host.asked.size(), 6U);
}

TEST(Updaters, NothingIsAskedForABoardWithoutTheChips) {
  SideFirmware firmware = Firmware();
  firmware.ramdisk.components["d20ap"] = {"iBEC", "KernelCache", "OS", "RestoreRamDisk"};
  firmware.ramdisk.sides.clear();
  SideHost host(firmware);
  for (const bool modern : {false, true}) {
    SideBench bench(firmware, host, modern);
    EXPECT_FALSE(PreflightAsked(bench.Run()));
    for (const Updater updater :
         {Updater::kSe, Updater::kSavage, Updater::kYonkers, Updater::kRose, Updater::kCryptex1})
      EXPECT_FALSE(UpdaterAsked(bench.Run(), updater));
  }
}

TEST(Updaters, OlderSystemsLeaveTheRequestToTheHost) {
  SideHost host(Firmware());
  SideBench bench(Firmware(), host, true, "iPhone10,1", "19H999");
  EXPECT_TRUE(RunUpdater(bench.Run(), Updater::kSe));
  EXPECT_EQ(host.asked.at(0).Find("Arguments")->Find("DeviceGeneratedRequest"), nullptr);
}

}  // namespace
}  // namespace rack
