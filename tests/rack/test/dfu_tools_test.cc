// Unmodified Debian tools and phones that start, or have ended, in DFU mode.

#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "tests/rack/test/rack_process.h"

namespace rack {
namespace {

constexpr const char* kCart = R"(phones:
  - {name: eight, port: "1-1", product: "iPhone10,1", ecid: "0xA1B2C3D4E0001", os_build: "18H17", mode: dfu}
  - {name: ten, port: "1-2.1", product: "iPhone10,6", ecid: "0xA1B2C3D4E0002", os_build: "17H35"}
  - {name: fast, port: "1-2.2", product: "iPhone10,4", ecid: "0xA1B2C3D4E0003", super_speed: true}
  - {name: six, port: "1-3", product: "iPhone8,1", board: N71mAP, ecid: "0xA1B2C3D4E0004"}
)";

enum class Action { kErase, kUpdate };

struct Firmware {
  const char* manifest;
  const char* build;
  std::size_t digest_digits;
};

const Firmware& FirmwareFor(const std::string& product) {
  static const std::map<std::string, Firmware> table = {
      {"iPhone8,1", {"iphone6s_ios12.plist", "16H999", 40}},
      {"iPhone10,1", {"iphone8_ios15.plist", "19H999", 96}},
      {"iPhone10,4", {"iphone8_ios15.plist", "19H999", 96}},
      {"iPhone10,6", {"iphonex_ios15.plist", "19H998", 96}}};
  return table.at(product);
}

std::vector<std::string> Restore(const RackProcess& rack, const std::string& phone, Action action) {
  const Value status = rack.Status(phone);
  const std::filesystem::path cache = rack.Folder() / ("cache_" + phone);
  std::filesystem::create_directories(cache);
  std::vector<std::string> command = {"idevicerestore",    "-y", "-s", "-i",
                                      status.Text("ecid"), "-C", cache};
  if (action == Action::kErase) command.push_back("-e");
  command.push_back(ForgedFirmware(FirmwareFor(status.Text("product")).manifest));
  return command;
}

std::string End(const Finished& finished) {
  return finished.output.substr(finished.output.size() > 2000 ? finished.output.size() - 2000 : 0);
}

bool IsRestored(const Value& phone) {
  return phone.Text("mode") == "normal" && phone.Number("restores_completed") == 1;
}

void ExpectRestored(const Value& phone, Action action) {
  EXPECT_EQ(phone.Text("mode"), "normal");
  const Firmware& firmware = FirmwareFor(phone.Text("product"));
  EXPECT_EQ(phone.Text("os_build"), firmware.build);
  EXPECT_EQ(phone.Flag("user_data_present"), action == Action::kUpdate);
  EXPECT_EQ(phone.Number("effaceable_generation"), action == Action::kErase ? 2U : 1U);
  EXPECT_EQ(phone.Number("restores_completed"), 1U);
  EXPECT_TRUE(phone.Flag("nor_complete"));
  EXPECT_EQ(phone.Find("firmware")->Text("illb").size(), firmware.digest_digits);
  EXPECT_EQ(phone.Text("last_error"), "none") << phone.Text("last_error_detail");
}

struct Start {
  const char* name;
  const char* phone;
  Action action;
};
void PrintTo(const Start& row, std::ostream* out) { *out << row.name; }

class FromDfu : public testing::TestWithParam<Start> {};

TEST_P(FromDfu, IdevicerestoreSucceeds) {
  const RackProcess rack(kCart);
  const auto& [name, phone, action] = GetParam();
  ASSERT_EQ(rack.Do("press", {phone, "dfu"}).code, 0);
  const Finished restore = rack.Exec(phone, Restore(rack, phone, action));
  EXPECT_EQ(restore.code, 0) << End(restore);
  ExpectRestored(rack.AwaitStatus(phone, IsRestored), action);
}

INSTANTIATE_TEST_SUITE_P(Table, FromDfu,
                         testing::Values(Start{"EightErase", "eight", Action::kErase},
                                         Start{"EightUpdate", "eight", Action::kUpdate},
                                         Start{"TenErase", "ten", Action::kErase},
                                         Start{"TenUpdate", "ten", Action::kUpdate},
                                         Start{"SixErase", "six", Action::kErase},
                                         Start{"SixUpdate", "six", Action::kUpdate}),
                         [](const auto& row) { return row.param.name; });

TEST(DfuTools, ThreePhonesSideBySide_EachFromAnotherMode) {
  const RackProcess rack(kCart);
  ASSERT_EQ(rack.Do("press", {"fast", "dfu"}).code, 0);
  const std::vector<std::string> names = {"eight", "ten", "fast"};
  std::vector<std::vector<std::string>> commands;
  for (const std::string& name : names) commands.push_back(Restore(rack, name, Action::kErase));
  std::vector<Finished> ends(names.size());
  std::vector<std::thread> restores;
  for (std::size_t i = 0; i < names.size(); ++i)
    restores.emplace_back([&, i] { ends[i] = rack.Exec(names[i], commands[i]); });
  for (std::thread& restore : restores) restore.join();
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(ends[i].code, 0) << names[i] << End(ends[i]);
    ExpectRestored(rack.AwaitStatus(names[i], IsRestored), Action::kErase);
  }
}

// What remains is the boot ROM, and that is enough for a further restore.
TEST(DfuTools, CablePulledWhileBootFirmwareIsWritten_OnlyDfuStarts) {
  RackProcess rack(kCart);
  ASSERT_EQ(rack.Do("press", {"eight", "recovery"}).code, 0);
  ASSERT_EQ(rack.Do("fault", {"eight", "unplug-at-step", "flash", "1"}).code, 0);
  (void)rack.Exec("eight", Restore(rack, "eight", Action::kErase));
  const auto in_dfu = [](const Value& p) { return p.Text("mode") == "dfu" && p.Flag("plugged"); };
  const Value phone = rack.AwaitStatus("eight", in_dfu);
  EXPECT_EQ(phone.Text("mode"), "dfu");
  EXPECT_EQ(phone.Text("last_error"), "unplugged");
  EXPECT_FALSE(phone.Flag("nor_complete", true));
  for (const char* button : {"restart", "recovery"}) {
    EXPECT_EQ(rack.Do("press", {"eight", button}).code, 0);
    EXPECT_EQ(rack.Status("eight").Text("mode"), "dfu") << button;
  }
  rack.Restart();
  EXPECT_EQ(rack.Status("eight").Text("mode"), "dfu");
  const Finished restore = rack.Exec("eight", Restore(rack, "eight", Action::kErase));
  EXPECT_EQ(restore.code, 0) << End(restore);
  ExpectRestored(rack.AwaitStatus("eight", IsRestored), Action::kErase);
}

TEST(DfuTools, CablePulledAtAStepOfTheRestore_PhoneComesBackInRecovery) {
  const RackProcess rack(kCart);
  const Finished unknown = rack.Do("fault", {"eight", "unplug-at-step", "no-such-step"});
  EXPECT_NE(unknown.code, 0);
  EXPECT_NE(unknown.output.find("flash"), std::string::npos) << unknown.output;
  ASSERT_EQ(rack.Do("fault", {"eight", "unplug-at-step", "system-image", "1"}).code, 0);
  (void)rack.Exec("eight", Restore(rack, "eight", Action::kErase));
  const auto back = [](const Value& p) {
    return p.Text("mode") == "recovery" && p.Flag("plugged");
  };
  const Value phone = rack.AwaitStatus("eight", back);
  EXPECT_EQ(phone.Text("mode"), "recovery");
  EXPECT_EQ(phone.Text("last_error"), "unplugged");
  EXPECT_TRUE(phone.Flag("nor_complete"));
  EXPECT_EQ(phone.Find("firmware")->Text("ibot").size(), 96U);
  EXPECT_EQ(phone.Text("os_build"), "");
}

struct Refused {
  const char* name;
  std::vector<std::string> fault;
  const char* stage;  // where the phone ends
  const char* error;  // what it says
};
void PrintTo(const Refused& row, std::ostream* out) { *out << row.name; }

class RefusedFromDfu : public testing::TestWithParam<Refused> {};

TEST_P(RefusedFromDfu, LeavesThePhoneUntouched) {
  const RackProcess rack(kCart);
  ASSERT_EQ(rack.Do("fault", GetParam().fault).code, 0);
  const Finished restore = rack.Exec("eight", Restore(rack, "eight", Action::kErase));
  EXPECT_NE(restore.code, 0) << End(restore);
  const Value phone =
      rack.AwaitStatus("eight", [](const Value& p) { return p.Text("stage") == GetParam().stage; });
  EXPECT_EQ(phone.Text("stage"), GetParam().stage);
  EXPECT_EQ(phone.Text("last_error"), GetParam().error) << phone.Text("last_error_detail");
  EXPECT_EQ(phone.Text("os_build"), "18H17");
  EXPECT_TRUE(phone.Flag("user_data_present"));
  EXPECT_EQ(phone.Number("restores_completed"), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Table, RefusedFromDfu,
    testing::Values(
        Refused{"WrongEcid", {"signer", "wrong-ecid"}, "dfu", "refused_ecid"},
        Refused{"WrongNonce", {"signer", "wrong-nonce"}, "dfu", "refused_nonce"},
        Refused{"StaleNonce", {"eight", "stale-nonce"}, "dfu", "refused_nonce"},
        Refused{"CorruptIbss", {"eight", "corrupt-upload", "iBSS"}, "dfu", "refused_digest"},
        Refused{"CorruptIbec", {"eight", "corrupt-upload", "iBEC"}, "ibss", "refused_digest"},
        Refused{"StalledIbss", {"eight", "refuse-send", "iBSS"}, "dfu", "refused_send"},
        Refused{"StalledIbec", {"eight", "refuse-send", "iBEC"}, "ibss", "refused_send"},
        Refused{"StalledKernel", {"eight", "refuse-send", "rkrn"}, "ibec", "refused_send"},
        Refused{"LateIbss", {"eight", "late-reattach", "12"}, "ibss", "none"},
        Refused{"Unsigned", {"signer", "refuse-94"}, "dfu", "none"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace rack
