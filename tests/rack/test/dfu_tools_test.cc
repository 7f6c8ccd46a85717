// Unmodified Debian tools and phones that start, or have ended, in DFU mode.

#include <gtest/gtest.h>

#include <thread>

#include "tests/rack/test/rack_process.h"

namespace rack {
namespace {

constexpr const char* kCart = R"(phones:
  - {name: eight, port: "1-1", product: "iPhone10,1", ecid: "0xA1B2C3D4E0001", os_build: "18H17", mode: dfu}
  - {name: ten, port: "1-2.1", product: "iPhone10,6", ecid: "0xA1B2C3D4E0002", os_build: "17H35"}
  - {name: fast, port: "1-2.2", product: "iPhone10,4", ecid: "0xA1B2C3D4E0003", super_speed: true}
)";

enum class Action { kErase, kUpdate };

std::vector<std::string> Restore(const RackProcess& rack, const std::string& phone, Action action) {
  const Value status = rack.Status(phone);
  const std::filesystem::path cache = rack.Folder() / ("cache_" + phone);
  std::filesystem::create_directories(cache);
  std::vector<std::string> command = {"idevicerestore",    "-y", "-s", "-i",
                                      status.Text("ecid"), "-C", cache};
  if (action == Action::kErase) command.push_back("-e");
  command.push_back(ForgedFirmware(status.Text("product") == "iPhone10,6" ? "iphonex_ios15.plist"
                                                                          : "iphone8_ios15.plist"));
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
  EXPECT_EQ(phone.Text("os_build"), phone.Text("product") == "iPhone10,6" ? "19H998" : "19H999");
  EXPECT_EQ(phone.Flag("user_data_present"), action == Action::kUpdate);
  EXPECT_EQ(phone.Number("effaceable_generation"), action == Action::kErase ? 2U : 1U);
  EXPECT_EQ(phone.Number("restores_completed"), 1U);
  EXPECT_TRUE(phone.Flag("nor_complete"));
  EXPECT_EQ(phone.Find("firmware")->Text("illb").size(), 96U);
  EXPECT_EQ(phone.Text("last_error"), "none") << phone.Text("last_error_detail");
}

class FromDfu : public testing::TestWithParam<Action> {};

TEST_P(FromDfu, IdevicerestoreSucceeds) {
  const RackProcess rack(kCart);
  const Finished restore = rack.Exec("eight", Restore(rack, "eight", GetParam()));
  EXPECT_EQ(restore.code, 0) << End(restore);
  ExpectRestored(rack.AwaitStatus("eight", IsRestored), GetParam());
}

INSTANTIATE_TEST_SUITE_P(Table, FromDfu, testing::Values(Action::kErase, Action::kUpdate),
                         [](const auto& row) {
                           return row.param == Action::kErase ? "Erase" : "Update";
                         });

TEST(DfuTools, ThreePhonesSideBySide_EachFromAnotherMode) {
  const RackProcess rack(kCart);
  ASSERT_EQ(rack.Do("press", {"fast", "dfu"}).code, 0);
  std::vector<std::string> names = {"eight", "ten", "fast"};
  std::vector<Finished> ends(names.size());
  std::vector<std::thread> restores;
  for (std::size_t i = 0; i < names.size(); ++i)
    restores.emplace_back(
        [&, i] { ends[i] = rack.Exec(names[i], Restore(rack, names[i], Action::kErase)); });
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
