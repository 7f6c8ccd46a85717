// A cancel at every point of a job: before anything is destroyed it ends the job at once, the user
// data stay, and the phone goes back to its own system; inside what destroys it waits for the end.

#include <gtest/gtest.h>

#include "tests/integration/bench.h"

namespace station::integration {
namespace {

struct Point {
  const char* name;
  const char* mode;  // the phone is found in
  const char* step;  // cancelled in this one
  double fraction;   // once it is so far
  const char* gone;  // "" or "gone": once the phone has left the bus as well
  const char* outcome;
  const char* comes_to;  // the mode it ends up in
};
void PrintTo(const Point& point, std::ostream* out) { *out << point.name; }

class Cancel : public testing::TestWithParam<Point> {
 protected:
  // Slow where a job waits for the phone, so that there is time to cancel.
  Bench bench{{.cart = std::string("phones:\n  - {name: A1, port: \"1-1.1\", product: "
                                   "\"iPhone10,1\", ecid: \"0xa1\", os_build: \"18H17\", mode: ") +
                       GetParam().mode +
                       ", timing: {leave: 2, gap: 3, restore_boot: 5, finish: 2}}\n",
               .os_size = 64 << 20}};

  [[nodiscard]] bool Reached() {
    const YAML::Node port = bench.Port("1.1");  // its label: a path is there only while a phone is
    const YAML::Node progress = port["progress"];
    if (!progress || progress["step"].as<std::string>() != std::string("STEP_") + GetParam().step)
      return false;
    if (progress["step_fraction"].as<double>() < GetParam().fraction) return false;
    return *GetParam().gone == '\0' || port["path"].as<std::string>().empty();
  }
};

TEST_P(Cancel, EndsTheJobAndSparesThePhone) {
  bench.Start();
  const Forged firmware = bench.Import("iphone8_ios15");
  ASSERT_TRUE(bench.AwaitState("1-1.1", "IDLE"));
  if (GetParam().step == std::string("SIGN")) {
    ASSERT_EQ(bench.Rack({"fault", "signer", "delay", "4"}).exit_code, 0);
  }
  const Finished armed = bench.CtlRaw({"arm", "1-1.1", "--countdown", "0s", "--yes"});
  ASSERT_EQ(armed.exit_code, 0) << armed.err;
  ASSERT_TRUE(bench.Await("the point to cancel at", [&] { return Reached(); }));
  const Finished cancelled = bench.CtlRaw({"cancel", "1-1.1"});
  ASSERT_EQ(cancelled.exit_code, 0) << cancelled.err;
  const bool spared = GetParam().outcome == std::string("CANCELLED");
  ASSERT_TRUE(bench.Await(  // the port soon shows more: the phone comes home
      "the job's end",
      [&] { return bench.LastJob("1-1.1")["outcome"].as<std::string>() != "OUTCOME_NONE"; },
      spared ? 15 : 90));
  EXPECT_EQ(bench.LastJob("1-1.1")["outcome"].as<std::string>(),
            std::string("OUTCOME_") + GetParam().outcome);
  EXPECT_TRUE(bench.Await("the phone's rest", [&] {
    return bench.Phone("A1")["mode"].as<std::string>() == GetParam().comes_to;
  }));
  const YAML::Node phone = bench.Phone("A1");
  EXPECT_EQ(phone["user_data_present"].as<bool>(), spared);
  EXPECT_EQ(phone["os_build"].as<std::string>(), spared ? "18H17" : firmware.build);
}

INSTANTIATE_TEST_SUITE_P(
    Points, Cancel,
    testing::Values(
        Point{"normal_sign", "normal", "SIGN", 0, "", "CANCELLED", "normal"},
        Point{"normal_asked_to_leave", "normal", "ENTER_RECOVERY", 0, "", "CANCELLED", "normal"},
        Point{"normal_on_the_way", "normal", "ENTER_RECOVERY", 0, "gone", "CANCELLED", "normal"},
        Point{"normal_ibec", "normal", "BOOT_RESTORE_OS", 0, "", "CANCELLED", "normal"},
        Point{"normal_ibec_on_the_way", "normal", "BOOT_RESTORE_OS", 0, "gone", "CANCELLED",
              "normal"},
        Point{"normal_logo", "normal", "BOOT_RESTORE_OS", 0.3, "", "CANCELLED", "normal"},
        Point{"normal_firmware", "normal", "BOOT_RESTORE_OS", 0.45, "", "CANCELLED", "normal"},
        Point{"normal_ramdisk", "normal", "BOOT_RESTORE_OS", 0.6, "", "CANCELLED", "normal"},
        Point{"normal_kernel", "normal", "BOOT_RESTORE_OS", 0.9, "", "CANCELLED", "normal"},
        Point{"normal_restore_os_starts", "normal", "BOOT_RESTORE_OS", 1, "gone", "CANCELLED",
              "normal"},
        Point{"recovery_sign", "recovery", "SIGN", 0, "", "CANCELLED", "normal"},
        Point{"recovery_ibec", "recovery", "BOOT_RESTORE_OS", 0, "", "CANCELLED", "normal"},
        Point{"recovery_ramdisk", "recovery", "BOOT_RESTORE_OS", 0.6, "", "CANCELLED", "normal"},
        Point{"recovery_restore_os_starts", "recovery", "BOOT_RESTORE_OS", 1, "gone", "CANCELLED",
              "normal"},
        Point{"dfu_sign", "dfu", "SIGN", 0, "", "CANCELLED", "dfu"},
        Point{"dfu_ibss_on_the_way", "dfu", "ENTER_RECOVERY", 0, "gone", "CANCELLED", "normal"},
        Point{"dfu_ibec", "dfu", "BOOT_RESTORE_OS", 0, "gone", "CANCELLED", "normal"},
        Point{"dfu_ramdisk", "dfu", "BOOT_RESTORE_OS", 0.6, "", "CANCELLED", "normal"},
        Point{"dfu_restore_os_starts", "dfu", "BOOT_RESTORE_OS", 1, "gone", "CANCELLED", "normal"},
        Point{"stream", "recovery", "STREAM", 0, "", "RESTORED", "normal"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace station::integration
