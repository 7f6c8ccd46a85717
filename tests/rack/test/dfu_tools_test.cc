// Unmodified Debian tools and a phone that starts, or has ended, in DFU mode.

#include <gtest/gtest.h>

#include "tests/rack/test/rack_process.h"

namespace rack {
namespace {

constexpr const char* kCart = R"(phones:
  - {name: eight, port: "1-1", product: "iPhone10,1", ecid: "0xA1B2C3D4E0001", os_build: "18H17"}
)";

std::vector<std::string> Restore(const RackProcess& rack, const std::string& ecid) {
  const std::filesystem::path cache = rack.Folder() / ("cache" + ecid);
  std::filesystem::create_directories(cache);
  return {"idevicerestore",
          "-e",
          "-y",
          "-s",
          "-i",
          ecid,
          "-C",
          cache,
          ForgedFirmware("iphone8_ios15.plist")};
}

TEST(DfuTools, CablePulledWhileBootFirmwareIsWritten_OnlyDfuStarts) {
  RackProcess rack(kCart);
  ASSERT_EQ(rack.Do("fault", {"eight", "unplug-at-step", "flash", "1"}).code, 0);
  (void)rack.Exec("eight", Restore(rack, "0xA1B2C3D4E0001"));
  const auto in_dfu = [](const Value& p) { return p.Text("mode") == "dfu" && p.Flag("plugged"); };
  const Value phone = rack.AwaitStatus("eight", in_dfu);
  EXPECT_EQ(phone.Text("mode"), "dfu");
  EXPECT_EQ(phone.Text("last_error"), "unplugged");
  EXPECT_FALSE(phone.Flag("nor_complete", true));
  EXPECT_EQ(rack.Do("press", {"eight", "restart"}).code, 0);
  EXPECT_EQ(rack.Status("eight").Text("mode"), "dfu");
  rack.Restart();
  EXPECT_EQ(rack.Status("eight").Text("mode"), "dfu");
}

TEST(DfuTools, CablePulledAtAStepOfTheRestore_PhoneComesBackInRecovery) {
  const RackProcess rack(kCart);
  ASSERT_EQ(rack.Do("fault", {"eight", "unplug-at-step", "system-image", "1"}).code, 0);
  (void)rack.Exec("eight", Restore(rack, "0xA1B2C3D4E0001"));
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

}  // namespace
}  // namespace rack
