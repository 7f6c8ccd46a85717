// Unmodified Debian tools against the rack. Each test runs the rack as a program, and asserts on
// what the rack says is on the phone.

#include <gtest/gtest.h>

#include <thread>

#include "tests/rack/forge/forge.h"
#include "tests/rack/test/rack_process.h"

namespace rack {
namespace {

constexpr const char* kCart = R"(phones:
  - {name: eight, port: "1-1", product: "iPhone10,1", ecid: "0xA1B2C3D4E0001", os_build: "18H17", ask_fud: true}
  - {name: ten, port: "1-2.1", product: "iPhone10,6", ecid: "0xA1B2C3D4E0002", os_build: "17H35", mode: recovery}
  - {name: fast, port: "1-2.2", product: "iPhone10,4", ecid: "0xA1B2C3D4E0003", super_speed: true}
)";

std::vector<std::string> Restore(const RackProcess& rack, const std::string& ecid,
                                 const std::string& ipsw) {
  const std::filesystem::path cache = rack.Folder() / ("cache" + ecid);
  std::filesystem::create_directories(cache);
  return {"idevicerestore", "-e", "-y", "-s", "-i", ecid, "-C", cache, ipsw};
}

bool IsRestored(const Value& phone) {
  return phone.Text("mode") == "normal" && phone.Number("restores_completed") == 1;
}

void ExpectErased(const Value& phone, const std::string& build) {
  EXPECT_EQ(phone.Text("mode"), "normal");
  EXPECT_EQ(phone.Text("os_build"), build);
  EXPECT_FALSE(phone.Flag("user_data_present", true));
  EXPECT_EQ(phone.Number("effaceable_generation"), 2U);
  EXPECT_EQ(phone.Number("restores_completed"), 1U);
  EXPECT_EQ(phone.Text("os_image_digest").size(), 96U);
  EXPECT_EQ(phone.Text("last_error"), "none");
}

TEST(Tools, IdeviceIdListsPhonesInNormalMode) {
  const RackProcess rack(kCart);
  const Finished all = rack.Exec("", {"idevice_id", "-l"});
  EXPECT_EQ(all.code, 0);
  for (const char* name : {"eight", "fast"})
    EXPECT_NE(all.output.find(rack.Status(name).Text("udid")), std::string::npos) << name;
  EXPECT_EQ(all.output.find(rack.Status("ten").Text("udid")), std::string::npos);
  const Finished one = rack.Exec("fast", {"idevice_id", "-l"});
  EXPECT_EQ(one.output, rack.Status("fast").Text("udid") + "\n");
}

TEST(Tools, IdeviceinfoReadsAnUnpairedPhone) {
  const RackProcess rack(kCart);
  const std::string udid = rack.Status("eight").Text("udid");
  const Finished info = rack.Exec("", {"ideviceinfo", "-u", udid, "-s"});
  EXPECT_EQ(info.code, 0);
  for (const char* line :
       {"ProductType: iPhone10,1", "HardwareModel: D20AP", "BuildVersion: 18H17",
        "UniqueChipID: 2844626588139521", "DeviceClass: iPhone", "Image4Supported: true"})
    EXPECT_NE(info.output.find(line), std::string::npos) << line << "\n" << info.output;
}

TEST(Tools, IrecoveryQueriesAndTalks) {
  const RackProcess rack(kCart);
  const Finished query = rack.Exec("ten", {"irecovery", "-q"});
  EXPECT_EQ(query.code, 0);
  for (const char* line :
       {"CPID: 0x8015", "BDID: 0x0e", "ECID: 0x000a1b2c3d4e0002", "MODE: Recovery"})
    EXPECT_NE(query.output.find(line), std::string::npos) << line << "\n" << query.output;
  EXPECT_EQ(rack.Exec("ten", {"irecovery", "-n"}).code, 0);  // auto-boot on, reboot
  const Value booted =
      rack.AwaitStatus("ten", [](const Value& p) { return p.Text("mode") == "normal"; });
  EXPECT_EQ(booted.Text("mode"), "normal");
}

TEST(Tools, StateOutlivesTheRack) {
  RackProcess rack(kCart);
  EXPECT_EQ(rack.Do("press", {"eight", "recovery"}).code, 0);
  EXPECT_EQ(rack.Do("unplug", {"fast"}).code, 0);
  rack.Restart();
  EXPECT_EQ(rack.Status("eight").Text("mode"), "recovery");
  EXPECT_FALSE(rack.Status("fast").Flag("plugged", true));
  EXPECT_EQ(rack.Do("plug", {"fast"}).code, 0);
  EXPECT_NE(rack.Exec("fast", {"idevice_id", "-l"}).output, "");
}

TEST(Tools, SwappedPhonesChangePorts) {
  const RackProcess rack(kCart);
  EXPECT_EQ(rack.Do("fault", {"eight", "swap", "ten"}).code, 0);
  const auto moved = [](const char* port) {
    return [port](const Value& p) { return p.Text("port") == port; };
  };
  EXPECT_EQ(rack.AwaitStatus("eight", moved("1-2.1")).Text("port"), "1-2.1");
  EXPECT_EQ(rack.AwaitStatus("ten", moved("1-1")).Text("port"), "1-1");
}

// The big proof.
TEST(Tools, IdevicerestoreErasesFromNormalMode) {
  const RackProcess rack(kCart);
  const Finished restore =
      rack.Exec("eight", Restore(rack, "0xA1B2C3D4E0001", ForgedFirmware("iphone8_ios15.plist")));
  EXPECT_EQ(restore.code, 0) << restore.output.substr(
      restore.output.size() > 2000 ? restore.output.size() - 2000 : 0);
  ExpectErased(rack.AwaitStatus("eight", IsRestored), "19H999");
}

TEST(Tools, IdevicerestoreErasesTwoPhonesAtOnce) {
  const RackProcess rack(kCart);
  const std::string eight = ForgedFirmware("iphone8_ios15.plist");
  const std::string ten = ForgedFirmware("iphonex_ios15.plist");
  Finished first;
  std::thread other([&] { first = rack.Exec("ten", Restore(rack, "0xA1B2C3D4E0002", ten)); });
  const Finished second = rack.Exec("fast", Restore(rack, "0xA1B2C3D4E0003", eight));
  other.join();
  EXPECT_EQ(first.code, 0);
  EXPECT_EQ(second.code, 0);
  ExpectErased(rack.AwaitStatus("ten", IsRestored), "19H998");
  ExpectErased(rack.AwaitStatus("fast", IsRestored), "19H999");
  EXPECT_EQ(rack.Status("eight").Number("restores_completed"), 0U);
}

TEST(Tools, UpdateKeepsUserData) {
  const RackProcess rack(kCart);
  std::vector<std::string> command =
      Restore(rack, "0xA1B2C3D4E0001", ForgedFirmware("iphone8_ios15.plist"));
  std::erase(command, "-e");
  EXPECT_EQ(rack.Exec("eight", command).code, 0);
  const Value phone = rack.AwaitStatus("eight", IsRestored);
  EXPECT_EQ(phone.Text("os_build"), "19H999");
  EXPECT_TRUE(phone.Flag("user_data_present"));
  EXPECT_EQ(phone.Number("effaceable_generation"), 1U);
}

TEST(Tools, UnpluggedInMidStreamTakesOneMoreRestore) {
  const RackProcess rack(kCart);
  const std::string ipsw = ForgedFirmware("iphone8_ios15.plist");
  EXPECT_EQ(rack.Do("fault", {"eight", "unplug-at-byte", "20000000", "2"}).code, 0);
  // Not its exit code: 1.0.0 reads a ProgressMsg that was already queued after its own failure,
  // forgets the failure, and exits 0 with DONE (reference 6.5). What counts is what is on the
  // phone.
  const Finished cut = rack.Exec("eight", Restore(rack, "0xA1B2C3D4E0001", ipsw));
  EXPECT_NE(cut.output.find("Unable to successfully restore device"), std::string::npos);
  const Value broken = rack.AwaitStatus(
      "eight", [](const Value& p) { return p.Text("mode") == "recovery" && p.Flag("plugged"); });
  EXPECT_EQ(broken.Text("mode"), "recovery");
  EXPECT_EQ(broken.Text("os_build"), "");
  EXPECT_EQ(broken.Text("last_error"), "unplugged");
  EXPECT_FALSE(broken.Flag("user_data_present", true));
  EXPECT_EQ(rack.Exec("eight", {"irecovery", "-n"}).code, 0);
  const Value rebooted = rack.AwaitStatus(
      "eight", [&](const Value& p) { return p.Number("boots") > broken.Number("boots"); });
  EXPECT_EQ(rebooted.Text("mode"), "recovery");  // auto-boot is on, but there is no system to start
  EXPECT_EQ(rack.Exec("eight", Restore(rack, "0xA1B2C3D4E0001", ipsw)).code, 0);
  const Value phone = rack.AwaitStatus("eight", IsRestored);
  EXPECT_EQ(phone.Text("os_build"), "19H999");
  EXPECT_EQ(phone.Text("last_error"), "none");
}

TEST(Tools, StalledStreamWaitsForAForcedRestart) {
  const RackProcess rack(kCart);
  const std::string ipsw = ForgedFirmware("iphone8_ios15.plist");
  EXPECT_EQ(rack.Do("fault", {"eight", "stall-asr"}).code, 0);
  const Finished stalled = rack.Exec("eight", Restore(rack, "0xA1B2C3D4E0001", ipsw));
  EXPECT_NE(stalled.output.find("Unable to successfully restore device"), std::string::npos);
  EXPECT_EQ(rack.Status("eight").Text("mode"), "restore");
  EXPECT_EQ(rack.Do("press", {"eight", "restart"}).code, 0);
  const Value phone = rack.Status("eight");
  EXPECT_EQ(phone.Text("mode"), "recovery");  // nothing else can start
  EXPECT_EQ(phone.Text("os_build"), "");
  EXPECT_EQ(phone.Number("restores_completed"), 0U);
}

struct Refused {
  const char* name;
  std::vector<std::string> fault;
  const char* mode;   // where the phone ends
  const char* error;  // what it says
};
void PrintTo(const Refused& row, std::ostream* out) { *out << row.name; }

class RefusedRestore : public testing::TestWithParam<Refused> {};

TEST_P(RefusedRestore, LeavesThePhoneUntouched) {
  const RackProcess rack(kCart);
  ASSERT_EQ(rack.Do("fault", GetParam().fault).code, 0);
  const Finished restore =
      rack.Exec("eight", Restore(rack, "0xA1B2C3D4E0001", ForgedFirmware("iphone8_ios15.plist")));
  EXPECT_NE(restore.code, 0);
  const Value phone =
      rack.AwaitStatus("eight", [](const Value& p) { return p.Text("mode") == GetParam().mode; });
  EXPECT_EQ(phone.Text("mode"), GetParam().mode);
  EXPECT_EQ(phone.Text("last_error"), GetParam().error) << phone.Text("last_error_detail");
  EXPECT_EQ(phone.Text("os_build"), "18H17");
  EXPECT_TRUE(phone.Flag("user_data_present"));
  EXPECT_EQ(phone.Number("restores_completed"), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Table, RefusedRestore,
    testing::Values(
        Refused{"WrongEcid", {"signer", "wrong-ecid"}, "recovery", "refused_ecid"},
        Refused{"WrongNonce", {"signer", "wrong-nonce"}, "recovery", "refused_nonce"},
        Refused{"StaleNonce", {"eight", "stale-nonce"}, "recovery", "refused_nonce"},
        Refused{"CorruptIbec", {"eight", "corrupt-upload", "iBEC"}, "recovery", "refused_digest"},
        Refused{"CorruptRamdisk",
                {"eight", "corrupt-upload", "RestoreRamDisk"},
                "recovery",
                "refused_digest"},
        Refused{"NoEnterRecovery",
                {"eight", "refuse-enter-recovery"},
                "normal",
                "refused_enter_recovery"},
        Refused{"Unsigned", {"signer", "refuse-94"}, "normal", "none"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace rack
