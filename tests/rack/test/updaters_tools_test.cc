// idevicerestore 1.0.0, unmodified, with updaters on: what it sends is on the phones' other chips.

#include <gtest/gtest.h>

#include <thread>

#include "station/base/fd.h"
#include "station/base/ids.h"
#include "tests/rack/forge/marker.h"
#include "tests/rack/side/baseband.h"
#include "tests/rack/test/rack_process.h"

namespace rack {
namespace {

constexpr const char* kCart = R"(phones:
  - {name: eight, port: "1-1", product: "iPhone10,1", ecid: "0xA1B2C3D4E0101", timing: {finish: 1}}
  - {name: intel, port: "1-2", product: "iPhone10,4", ecid: "0xA1B2C3D4E0102", timing: {finish: 1}}
  - {name: face, port: "1-3", product: "iPhone10,3", ecid: "0xA1B2C3D4E0103", timing: {finish: 1}}
  - {name: plain, port: "1-4", product: "iPhone10,1", ecid: "0xA1B2C3D4E0104", updaters: false,
     preflight: false, timing: {finish: 1}}
)";

constexpr const char* kEight = "iphone8_ios15.plist";
constexpr const char* kTen = "iphonex_ios15.plist";

Finished Restore(const RackProcess& rack, const std::string& phone, const std::string& ipsw,
                 bool erase = true) {
  const std::string ecid = rack.Status(phone).Text("ecid");
  const std::filesystem::path cache = rack.Folder() / ("cache_" + phone);
  std::filesystem::create_directories(cache);
  std::vector<std::string> command = {"idevicerestore", "-y", "-s", "-i", ecid, "-C", cache, ipsw};
  if (erase) command.insert(command.begin() + 1, "-e");
  return rack.Exec(phone, command);
}

Value AwaitRestored(const RackProcess& rack, const std::string& phone) {
  return rack.AwaitStatus(phone, [](const Value& status) {
    return status.Text("mode") == "normal" && status.Number("restores_completed") == 1U;
  });
}

// What the manifest inside the IPSW says of a board's component.
Value EntryIn(const std::string& ipsw, const std::string& board, const std::string& component) {
  const Finished manifest = RunProgram({"unzip", "-p", ipsw, "BuildManifest.plist"});
  const auto parsed = Value::Parse(manifest.output);
  EXPECT_TRUE(parsed);
  if (!parsed) return Value();
  for (const Value& identity : *parsed->Find("BuildIdentities")->AsArray())
    if (identity.Find("Info")->Text("DeviceClass") == board)
      return *identity.Find("Manifest")->Find(component);
  return Value();
}

void ExpectWritten(const Value& status, const std::string& ipsw, const std::string& board,
                   bool savage) {
  const Value* firmware = status.Find("firmware");
  ASSERT_NE(firmware, nullptr);
  EXPECT_EQ(firmware->Text("BasebandFirmware"),
            station::ToHex(BasebandDigest(EntryIn(ipsw, board, "BasebandFirmware"))));
  EXPECT_EQ(firmware->Text("SE,UpdatePayload"),
            station::ToHex(
                *EntryIn(ipsw, board, "SE,UpdatePayload").Data("ProductionUpdatePayloadHash")));
  EXPECT_EQ(
      firmware->Text("Savage,B2-Prod-Patch"),
      savage ? station::ToHex(*EntryIn(ipsw, board, "Savage,B2-Prod-Patch").Data("Digest")) : "");
  EXPECT_EQ(status.Text("last_error"), "none");
}

void ExpectNothingWritten(const Value& status) {
  for (const char* component : {"SE,UpdatePayload", "BasebandFirmware"})
    EXPECT_EQ(status.Find("firmware")->Find(component), nullptr) << component;
}

void ExpectTold(const Finished& restore) {
  EXPECT_EQ(restore.code, 0) << restore.output.substr(
      restore.output.size() > 2000 ? restore.output.size() - 2000 : 0);
  EXPECT_NE(restore.output.find("Received SE ticket"), std::string::npos);
  EXPECT_NE(restore.output.find("Updating Baseband completed."), std::string::npos);
  EXPECT_EQ(restore.output.find("size mismatch"), std::string::npos)
      << "a header says another size";
}

TEST(UpdaterTools, IdevicerestoreWritesEveryChip) {
  const RackProcess rack(kCart);
  const std::string eight = ForgedFirmware(kEight);
  const std::string ten = ForgedFirmware(kTen);
  Finished intel;
  Finished face;
  std::thread second([&] { intel = Restore(rack, "intel", eight); });
  std::thread third([&] { face = Restore(rack, "face", ten, false); });
  ExpectTold(Restore(rack, "eight", eight));
  second.join();
  third.join();
  ExpectTold(intel);
  ExpectTold(face);
  EXPECT_NE(face.output.find("Received Savage ticket"), std::string::npos);
  ExpectWritten(AwaitRestored(rack, "eight"), eight, "d20ap", false);
  ExpectWritten(AwaitRestored(rack, "intel"), eight, "d201ap", false);
  ExpectWritten(AwaitRestored(rack, "face"), ten, "d22ap", true);
}

// Started in normal mode, the host has the baseband's ticket before the restore begins, with the
// nonce told there, and asks for no second one with it.
TEST(UpdaterTools, TicketFromNormalModeServesInRestoreMode) {
  const RackProcess rack(kCart);
  const Finished restore = Restore(rack, "eight", ForgedFirmware(kEight));
  ExpectTold(restore);
  std::size_t requests = 0;
  for (std::size_t at = 0;
       (at = restore.output.find("Sending Baseband TSS request", at)) != std::string::npos; ++at)
    ++requests;
  EXPECT_EQ(requests, 1U) << "for the round without a nonce only";
}

TEST(UpdaterTools, SwitchedOffInTheCart) {
  const RackProcess rack(kCart);
  const Finished restore = Restore(rack, "plain", ForgedFirmware(kEight));
  EXPECT_EQ(restore.code, 0);
  EXPECT_EQ(restore.output.find("SE ticket"), std::string::npos);
  EXPECT_EQ(restore.output.find("Baseband TSS"), std::string::npos);
  ExpectNothingWritten(AwaitRestored(rack, "plain"));
}

TEST(UpdaterTools, RefusedUpdaterLeavesRecovery) {
  const RackProcess rack(kCart);
  ASSERT_EQ(rack.Do("fault", {"signer", "refuse-updater", "SE"}).code, 0);
  const Finished restore = Restore(rack, "eight", ForgedFirmware(kEight));
  EXPECT_NE(restore.output.find("Couldn't get SE firmware data"), std::string::npos);
  const Value status = rack.AwaitStatus(
      "eight", [](const Value& phone) { return phone.Text("mode") == "recovery"; });
  EXPECT_EQ(status.Text("mode"), "recovery");
  EXPECT_EQ(status.Number("restores_completed"), 0U);
  ExpectNothingWritten(status);
  // One more restore makes it whole.
  ASSERT_EQ(rack.Do("fault", {"signer", "none"}).code, 0);
  ExpectTold(Restore(rack, "eight", ForgedFirmware(kEight)));
  ExpectWritten(AwaitRestored(rack, "eight"), ForgedFirmware(kEight), "d20ap", false);
}

TEST(UpdaterTools, LoopingUpdaterIsServedEachTime) {
  const RackProcess rack(kCart);
  ASSERT_EQ(rack.Do("fault", {"eight", "updater-loop", "SE", "2"}).code, 0);
  const Finished restore = Restore(rack, "eight", ForgedFirmware(kEight));
  ExpectTold(restore);
  std::size_t tickets = 0;
  for (std::size_t at = 0;
       (at = restore.output.find("Received SE ticket", at)) != std::string::npos; ++at)
    ++tickets;
  EXPECT_EQ(tickets, 3U);
}

TEST(UpdaterTools, LockdownTellsOfTheBasebandUnlessSwitchedOff) {
  const RackProcess rack(kCart);
  const auto ask = [&](const char* phone, const char* key) {
    return rack.Exec(phone, {"ideviceinfo", "-s", "-k", key}).output;
  };
  EXPECT_EQ(ask("eight", "TelephonyCapability"), "true\n");
  EXPECT_NE(ask("eight", "FirmwarePreflightInfo").find("ChipID: 241889"), std::string::npos);
  EXPECT_NE(ask("intel", "FirmwarePreflightInfo").find("ChipID: 101"), std::string::npos);
  EXPECT_EQ(ask("plain", "TelephonyCapability"), "false\n");
  EXPECT_EQ(ask("plain", "FirmwarePreflightInfo").find("ChipID"), std::string::npos);
}

}  // namespace
}  // namespace rack
