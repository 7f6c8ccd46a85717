// usbmuxd falls silent or dies under a running restore: what the phone had begun is brought to its
// end, and who is to blame is said.

#include <gtest/gtest.h>

#include "tests/integration/bench.h"

namespace station::integration {
namespace {

constexpr auto kCart =
    "phones:\n"
    "  - {name: A1, port: \"1-1.1\", product: \"iPhone10,1\", ecid: \"0xa1\", os_build: \"18H17\", "
    "mode: recovery, timing: {leave: 0.3, gap: 1, restore_boot: 2, finish: 1}}\n";

class Usbmuxd : public testing::Test {
 protected:
  void SetUp() override {
    bench_.Start();
    (void)bench_.Import("iphone8_ios15");
    ASSERT_TRUE(bench_.AwaitState("1-1.1", "IDLE"));
  }
  void Fault(std::vector<std::string> words) {
    words.insert(words.begin(), "fault");
    const Finished set = bench_.Rack(words);
    ASSERT_EQ(set.exit_code, 0) << set.err;
  }
  void Arm() {
    const Finished armed = bench_.CtlRaw({"arm", "1-1.1", "--countdown", "0s", "--yes"});
    ASSERT_EQ(armed.exit_code, 0) << armed.err;
  }
  void ArmAndAwaitHeldAt(const std::string& step) {
    Fault({"A1", "hold-at-step", step});
    Arm();
    ASSERT_TRUE(bench_.Await("the phone holds at " + step, [&] {
      const YAML::Node held = bench_.Phone("A1")["held_at"];
      return held && held.IsScalar() && held.as<std::string>() == step;
    }));
  }
  void ExpectRestored(int attempt) {
    ASSERT_TRUE(bench_.Await(
        "the job's end",
        [&] {
          const std::string state = bench_.PortState("1.1");
          return state == "DONE" || state == "FAILED";
        },
        150));
    const YAML::Node job = bench_.LastJob("1.1");
    EXPECT_EQ(job["outcome"].as<std::string>(), "OUTCOME_RESTORED") << job;
    EXPECT_EQ(job["attempt"].as<int>(), attempt) << job;
    EXPECT_EQ(bench_.Phone("A1")["mode"].as<std::string>(), "normal");
    EXPECT_FALSE(bench_.Phone("A1")["user_data_present"].as<bool>());
  }

  Bench bench_{{.cart = kCart, .os_size = 32 << 20}};
};

TEST_F(Usbmuxd, SilentForAWhileInMidRestore_NothingIsLost) {
  ArmAndAwaitHeldAt("system-image");
  Fault({"mux", "stall", "6"});
  Fault({"A1", "none"});
  ExpectRestored(1);
}

TEST_F(Usbmuxd, DiesInMidRestore_TheNextAttemptGoesOnFromWhereThePhoneIs) {
  ArmAndAwaitHeldAt("system-image");
  Fault({"mux", "crash", "4"});
  Fault({"A1", "none"});
  ExpectRestored(2);
  EXPECT_TRUE(bench_.StationLog().contains("trying again\" port=1.1 job=2 error=mux_unreachable"))
      << "it is neither the phone's fault nor the cable's";
}

TEST_F(Usbmuxd, AwayWhileTheRestoreSystemStarts_IsWaitedFor) {
  Arm();
  ASSERT_TRUE(bench_.Await("its boot objects go out", [&] {
    const YAML::Node progress = bench_.Port("1.1")["progress"];
    return progress && progress["step"].as<std::string>() == "STEP_BOOT_RESTORE_OS";
  }));
  Fault({"mux", "crash", "8"});
  ExpectRestored(1);
}

}  // namespace
}  // namespace station::integration
