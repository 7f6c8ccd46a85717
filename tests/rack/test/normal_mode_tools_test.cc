// Debian's idevice* tools, unmodified, against phones in normal mode: who trusts whom, what is
// told, what is refused.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "station/base/fd.h"
#include "tests/rack/forge/forge.h"
#include "tests/rack/test/rack_process.h"

namespace rack {
namespace {

using Command = std::vector<std::string>;

constexpr const char* kCart = R"(phones:
  - {name: set-up, port: "1-1", product: "iPhone10,1", ecid: "0xA1B2C3D4E0001"}
  - {name: asks, port: "1-2.1", product: "iPhone10,6", ecid: "0xA1B2C3D4E0002", trust: ask, passcode: true}
  - {name: denies, port: "1-2.2", product: "iPhone10,4", ecid: "0xA1B2C3D4E0003", trust: denied}
  - {name: fresh, port: "1-2.3", product: "iPhone9,1", ecid: "0xA1B2C3D4E0004", trust: denied, user_data: false}
  - {name: locked, port: "1-2.4", product: "iPhone10,1", ecid: "0xA1B2C3D4E0005", locked: true}
  - {name: lost, port: "1-3", product: "iPhone10,1", ecid: "0xA1B2C3D4E0006", activation_lock: true, battery: 7, charging: false}
  - {name: newer, port: "1-4", product: "iPhone14,5", ecid: "0xA1B2C3D4E0007", os_build: "22F76", enter_recovery_needs_session: true}
)";

constexpr const char* kRack = "station-rack";  // a step for the rack instead of a tool
const Command kPair = {"idevicepair", "pair"};

struct Row {
  const char* name;
  const char* phone;
  std::vector<Command> before;
  Command tool;
  int code;
  const char* says;
  const char* silent_on = nullptr;  // must not stand in the output
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

void Do(const RackProcess& rack, const std::string& phone, const Command& step) {
  if (step[0] == kRack)
    EXPECT_EQ(rack.Do(step[1], {step.begin() + 2, step.end()}).code, 0) << step[1];
  else
    (void)rack.Exec(phone, step);
}

void Check(const RackProcess& rack, const Row& row) {
  SCOPED_TRACE(row.name);
  for (const Command& step : row.before) Do(rack, row.phone, step);
  const Finished tool = rack.Exec(row.phone, row.tool);
  EXPECT_EQ(tool.code, row.code) << tool.output;
  EXPECT_NE(tool.output.find(row.says), std::string::npos) << tool.output;
  if (row.silent_on != nullptr) {
    EXPECT_EQ(tool.output.find(row.silent_on), std::string::npos) << tool.output;
  }
}

class PairingTools : public testing::TestWithParam<Row> {};

TEST_P(PairingTools, AnswerAsWithARealPhone) {
  const RackProcess rack(kCart);
  Check(rack, GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Table, PairingTools,
    testing::Values(
        Row{"Trusts", "set-up", {}, kPair, 0, "SUCCESS: Paired"},
        Row{"Validates", "set-up", {kPair}, {"idevicepair", "validate"}, 0, "SUCCESS: Validated"},
        Row{"Unpairs", "set-up", {kPair}, {"idevicepair", "unpair"}, 0, "SUCCESS: Unpaired"},
        Row{"Lists", "set-up", {kPair}, {"idevicepair", "list"}, 0, ""},
        Row{"TellsSystemBuid", "set-up", {}, {"idevicepair", "systembuid"}, 0, "-"},
        Row{"TellsHostId", "set-up", {kPair}, {"idevicepair", "hostid"}, 0, "-"},
        Row{"AsksFirst", "asks", {}, kPair, 1, "Please accept the trust dialog"},
        Row{"AsksAgainWhileNobodyAnswers", "asks", {kPair}, kPair, 1, "accept the trust dialog"},
        Row{"TrustsWhenTapped",
            "asks",
            {kPair, {kRack, "press", "asks", "trust"}},
            kPair,
            0,
            "SUCCESS: Paired"},
        Row{"DeniesWhenTapped",
            "asks",
            {kPair, {kRack, "press", "asks", "distrust"}},
            kPair,
            1,
            "user denied the trust dialog"},
        Row{"AsksAfreshWhenPluggedInAgain",
            "asks",
            {kPair,
             {kRack, "press", "asks", "distrust"},
             {kRack, "unplug", "asks"},
             {kRack, "plug", "asks"}},
            kPair,
            1,
            "accept the trust dialog"},
        Row{"Denies", "denies", {}, kPair, 1, "user denied the trust dialog"},
        Row{"SetupAssistantAsksNobody", "fresh", {}, kPair, 0, "SUCCESS: Paired"},
        Row{"LockedWantsItsPasscode", "locked", {}, kPair, 1, "passcode is set"},
        Row{"UnlockedPairs",
            "locked",
            {{kRack, "press", "locked", "unlock"}},
            kPair,
            0,
            "SUCCESS: Paired"},
        Row{"ForgottenHostIsNotPaired",
            "set-up",
            {kPair, {kRack, "fault", "set-up", "distrust"}},
            {"idevicepair", "validate"},
            1,
            "is not paired with this host"},
        Row{"PairedOnceStaysPairedWhenDenyingOthers",
            "denies",
            {{kRack, "press", "denies", "trust"}, kPair},
            {"idevicepair", "validate"},
            0,
            "SUCCESS: Validated"}),
    [](const auto& row) { return row.param.name; });

// One rack for all rows: none of them minds the others.
TEST(NormalMode, ValuesAreToldAsByARealPhone) {
  const std::vector<Row> rows = {
      Row{"SimpleTellsTheHardware",
          "denies",
          {},
          {"ideviceinfo", "-s"},
          0,
          "ProductType: iPhone10,4",
          "SerialNumber"},
      Row{"SimpleByKey", "denies", {}, {"ideviceinfo", "-s", "-k", "ProductVersion"}, 0, "14.7"},
      Row{"SimpleKeepsSecrets",
          "denies",
          {},
          {"ideviceinfo", "-s", "-k", "SerialNumber"},
          0,
          "",
          "F2L"},
      Row{"SimpleDomainKeepsSecrets",
          "denies",
          {},
          {"ideviceinfo", "-s", "-q", "com.apple.disk_usage"},
          0,
          "",
          "TotalDiskCapacity"},
      Row{"WithoutTrustNothing", "denies", {}, {"ideviceinfo"}, 255, "User denied pairing (-18)"},
      Row{"WholeDictionary", "set-up", {kPair}, {"ideviceinfo"}, 0, "SerialNumber: F2L"},
      Row{"Imei",
          "set-up",
          {kPair},
          {"ideviceinfo"},
          0,
          "InternationalMobileEquipmentIdentity: 35"},
      Row{"Nvram", "set-up", {kPair}, {"ideviceinfo", "-k", "NonVolatileRAM"}, 0, "auto-boot"},
      Row{"SetUpIsActivated",
          "set-up",
          {},
          {"ideviceinfo", "-k", "ActivationState"},
          0,
          "Activated"},
      Row{"ErasedIsNot", "fresh", {}, {"ideviceinfo", "-k", "ActivationState"}, 0, "Unactivated"},
      Row{"ErasedIsABrick", "fresh", {}, {"ideviceinfo", "-k", "BrickState"}, 0, "true"},
      Row{"Unlocked",
          "asks",
          {kPair, {kRack, "press", "asks", "trust"}},
          {"ideviceinfo", "-k", "PasswordProtected"},
          0,
          "false"},
      Row{"Locked",
          "set-up",
          {kPair, {kRack, "fault", "set-up", "locked"}},
          {"ideviceinfo", "-k", "PasswordProtected"},
          0,
          "true"},
      Row{"Battery",
          "lost",
          {},
          {"ideviceinfo", "-q", "com.apple.mobile.battery"},
          0,
          "BatteryCurrentCapacity: 7\nBatteryIsCharging: false"},
      Row{"BatteryChanges",
          "lost",
          {kPair, {kRack, "fault", "lost", "battery", "55"}},
          {"ideviceinfo", "-q", "com.apple.mobile.battery", "-k", "BatteryCurrentCapacity"},
          0,
          "55"},
      Row{"DiskUsage",
          "set-up",
          {},
          {"ideviceinfo", "-q", "com.apple.disk_usage"},
          0,
          "TotalDataCapacity"},
      Row{"FindMyByKey",
          "lost",
          {},
          {"ideviceinfo", "-q", "com.apple.fmip", "-k", "IsAssociated"},
          0,
          "true"},
      Row{"FindMyTellsNothingWhole",
          "lost",
          {},
          {"ideviceinfo", "-q", "com.apple.fmip"},
          0,
          "",
          "IsAssociated"},
      Row{"FindMyInNvram",
          "lost",
          {},
          {"ideviceinfo", "-k", "NonVolatileRAM"},
          0,
          "fm-spstatus: WUVT"},
      Row{"FindMySwitched",
          "set-up",
          {kPair, {kRack, "fault", "set-up", "activation-lock", "on"}},
          {"ideviceinfo", "-q", "com.apple.fmip", "-k", "IsAssociated"},
          0,
          "true"},
      Row{"ChipUdid",
          "newer",
          {},
          {"ideviceinfo", "-k", "UniqueDeviceID"},
          0,
          "00008110-000A1B2C3D4E0007"}};
  const RackProcess rack(kCart);
  for (const Row& row : rows) Check(rack, row);
}

// One rack for all rows: none of them minds the others.
TEST(NormalMode, ServicesAnswerAsOnARealPhone) {
  const std::vector<Row> rows = {
      Row{"Name", "set-up", {}, {"idevicename"}, 0, "iPhone"},
      Row{"NameIsKept", "set-up", {{"idevicename", "Pool 17"}}, {"idevicename"}, 0, "Pool 17"},
      Row{"Date", "set-up", {}, {"idevicedate"}, 0, ":"},
      Row{"DateIsNotSetLater", "set-up", {}, {"idevicedate", "-c"}, 0, "Failed to set date"},
      Row{"DateIsSetInSetup", "fresh", {}, {"idevicedate", "-c"}, 0, ":"},
      Row{"Diagnostics", "set-up", {}, {"idevicediagnostics", "diagnostics"}, 0, "CycleCount"},
      Row{"GasGauge",
          "set-up",
          {},
          {"idevicediagnostics", "diagnostics", "GasGauge"},
          0,
          "FullChargeCapacity"},
      Row{"SmartBattery",
          "lost",
          {},
          {"idevicediagnostics", "ioregentry", "AppleSmartBattery"},
          0,
          "<key>CurrentCapacity</key>\n\t\t<integer>7</integer>"},
      Row{"OlderBattery",
          "fresh",
          {},
          {"idevicediagnostics", "ioregentry", "AppleARMPMUCharger"},
          0,
          "DesignCapacity"},
      Row{"NoSuchEntry",
          "set-up",
          {},
          {"idevicediagnostics", "ioregentry", "Nothing"},
          0,
          "<key>IORegistry</key>\n\t<dict/>"},
      Row{"Plane", "set-up", {}, {"idevicediagnostics", "ioreg", "IODeviceTree"}, 0, "device-tree"},
      Row{"Gestalt",
          "set-up",
          {},
          {"idevicediagnostics", "mobilegestalt", "ProductType"},
          0,
          "iPhone10,1"},
      Row{"GestaltIsOver",
          "newer",
          {},
          {"idevicediagnostics", "mobilegestalt", "ProductType"},
          0,
          "MobileGestaltDeprecated",
          "iPhone14"},
      Row{"Sleep", "set-up", {}, {"idevicediagnostics", "sleep"}, 0, "sleep"},
      Row{"DiagnosticsWithoutTrust", "denies", {}, {"idevicediagnostics", "diagnostics"}, 1, "-18"},
      Row{"Post",
          "set-up",
          {},
          {"idevicenotificationproxy", "post", "com.example.hello"},
          0,
          "posting"},
      Row{"Syslog",
          "set-up",
          {kPair},
          {"timeout", "-s", "INT", "3", "idevicesyslog"},
          124,
          "a host listens"}};
  const RackProcess rack(kCart);
  for (const Row& row : rows) Check(rack, row);
}

struct Leaving {
  const char* name;
  const char* phone;
  std::vector<Command> before;
  Command tool;  // "UDID" stands for the phone's
  const char* mode;
};
void PrintTo(const Leaving& row, std::ostream* out) { *out << row.name; }

class NormalModeLeft : public testing::TestWithParam<Leaving> {};

TEST_P(NormalModeLeft, EndsWhereTheToolSays) {
  const Leaving& row = GetParam();
  const RackProcess rack(kCart);
  for (const Command& step : row.before) Do(rack, row.phone, step);
  const Value before = rack.Status(row.phone);
  Command tool = row.tool;
  std::ranges::replace(tool, std::string("UDID"), before.Text("udid"));
  EXPECT_EQ(rack.Exec(row.phone, tool).code, 0);
  const bool stays = std::string(row.mode) == "stays";
  const Value after = rack.AwaitStatus(
      row.phone,
      [&](const Value& phone) {
        return phone.Text("mode") == row.mode && phone.Number("boots") > before.Number("boots");
      },
      std::chrono::seconds(stays ? 3 : 30));
  EXPECT_EQ(after.Text("mode"), stays ? "normal" : row.mode);
  EXPECT_EQ(after.Number("boots") > before.Number("boots"), !stays);
}

INSTANTIATE_TEST_SUITE_P(
    Table, NormalModeLeft,
    testing::Values(
        Leaving{
            "EnterRecoveryUnpaired", "denies", {}, {"ideviceenterrecovery", "UDID"}, "recovery"},
        Leaving{
            "EnterRecoveryPaired", "set-up", {kPair}, {"ideviceenterrecovery", "UDID"}, "recovery"},
        // The tool opens no session, so from iOS 14.5 on it fails, paired or not, and says
        // otherwise.
        Leaving{"EnterRecoveryWantsASession",
                "newer",
                {kPair},
                {"ideviceenterrecovery", "UDID"},
                "stays"},
        Leaving{"Restart", "set-up", {}, {"idevicediagnostics", "restart"}, "normal"},
        Leaving{"Shutdown", "set-up", {}, {"idevicediagnostics", "shutdown"}, "off"}),
    [](const auto& row) { return row.param.name; });

TEST(NormalMode, RestartedPhoneWithPasscodeIsLocked) {
  const RackProcess rack(kCart);
  EXPECT_FALSE(rack.Status("asks").Flag("locked", true));
  EXPECT_EQ(rack.Do("press", {"asks", "restart"}).code, 0);
  EXPECT_TRUE(rack.Status("asks").Flag("locked"));
}

TEST(NormalMode, PairingOutlivesTheRack) {
  RackProcess rack(kCart);
  EXPECT_EQ(rack.Exec("newer", kPair).code, 0);
  rack.Restart();
  EXPECT_EQ(rack.Exec("newer", {"idevicepair", "validate"}).code, 0);
  EXPECT_EQ(rack.Status("newer").Number("paired_hosts"), 1U);
}

TEST(NormalMode, NotificationsReachWhoObservesThem) {
  const RackProcess rack(kCart);
  EXPECT_EQ(rack.Exec("set-up", kPair).code, 0);
  Finished seen;
  std::thread observer([&] {
    seen = rack.Exec("set-up", {"timeout", "-s", "INT", "8", "idevicenotificationproxy", "observe",
                                "com.apple.mobile.lockdown.device_name_changed"});
  });
  // Posted again and again: nothing tells when the observer is ready.
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(rack.Exec("set-up", {"idevicename", "Name " + std::to_string(i)}).code, 0);
  observer.join();
  EXPECT_NE(seen.output.find("> com.apple.mobile.lockdown.device_name_changed"), std::string::npos)
      << seen.output;
}

Finished Restore(const RackProcess& rack, const std::string& phone, const std::string& ecid,
                 const std::string& ipsw, bool erase) {
  Command command = {"idevicerestore", "-y", "-s", "-i", ecid, "-C", rack.Folder(), ipsw};
  if (erase) command.insert(command.begin() + 1, "-e");
  return rack.Exec(phone, command);
}

bool IsRestored(const Value& phone) {
  return phone.Text("mode") == "normal" && phone.Number("restores_completed") == 1;
}

class RestoredPhone : public testing::TestWithParam<bool> {};

TEST_P(RestoredPhone, KeepsOtherHostsUnlessItWasErased) {
  const bool erase = GetParam();
  const RackProcess rack(kCart);
  EXPECT_EQ(rack.Exec("set-up", kPair).code, 0);
  const std::string record = rack.Status("set-up").Text("udid") + ".plist";
  // The host forgets, so that idevicerestore pairs anew and unpairs only itself.
  EXPECT_TRUE(std::filesystem::remove(rack.Folder() / "dir" / "pairing" / record));
  EXPECT_EQ(
      Restore(rack, "set-up", "0xA1B2C3D4E0001", ForgedFirmware("iphone8_ios15.plist"), erase).code,
      0);
  const Value phone = rack.AwaitStatus("set-up", IsRestored);
  EXPECT_EQ(phone.Number("paired_hosts"), erase ? 0U : 1U);
  EXPECT_EQ(phone.Text("os_build"), "19H999");
}

INSTANTIATE_TEST_SUITE_P(Table, RestoredPhone, testing::Bool(),
                         [](const auto& row) { return row.param ? "Erase" : "Update"; });

// idevicerestore 1.0.0 cannot make the stashbag's manifest for firmware that has canonical
// metadata.
std::string FirmwareBeforeCanonicalMetadata() {
  const std::string text =
      *station::ReadFile(std::string(RACK_SOURCE_DIR) + "/manifests/iphone8_ios15.plist");
  Value manifest = *Value::Parse(text);
  for (Value& identity : *manifest.Find("BuildIdentities")->AsArray())
    for (const char* component : {"Ap,SystemVolumeCanonicalMetadata", "SystemVolume"})
      identity.Find("Manifest")->Erase(component);
  const std::string path = testing::TempDir() + "/older_" + std::to_string(getpid());
  EXPECT_TRUE(station::WriteFileDurably(path + ".plist", manifest.ToXml()));
  ForgeOrder order;
  order.manifest = path + ".plist";
  order.out = path + ".ipsw";
  const auto forged = Forge(order);
  EXPECT_TRUE(forged) << forged.error().context;
  return order.out;
}

TEST(NormalMode, UpdateOfAPhoneWithPasscodeMakesAStashbag) {
  const RackProcess rack(kCart);
  EXPECT_EQ(rack.Do("press", {"locked", "unlock"}).code, 0);
  const std::string ipsw = FirmwareBeforeCanonicalMetadata();
  const Finished restore = Restore(rack, "locked", "0xA1B2C3D4E0005", ipsw, false);
  EXPECT_EQ(restore.code, 0) << restore.output;
  const Value phone = rack.AwaitStatus("locked", IsRestored);
  EXPECT_TRUE(phone.Flag("stashbag_committed"));
  EXPECT_TRUE(phone.Flag("user_data_present"));
  EXPECT_TRUE(phone.Flag("locked"));
}

}  // namespace
}  // namespace rack
