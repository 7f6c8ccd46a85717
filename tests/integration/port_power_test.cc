// The recovery ladder on whole phones: what a port was switched off and on for, by the station and
// by hand, and a hub that cannot.

#include <gtest/gtest.h>

#include "tests/integration/bench.h"

namespace station::integration {
namespace {

constexpr const char* kCart = R"(phones:
  - {name: A1, port: "1-1.1", product: "iPhone10,1", ecid: "0xfc01", os_build: "18H17", mode: recovery,
     timing: {leave: 0.3, gap: 1, restore_boot: 1, finish: 1, flash: 1}, faults: [wedged]}
  - {name: A2, port: "1-2.1", product: "iPhone10,1", ecid: "0xfc02", os_build: "18H17", mode: recovery,
     hub_power: together}
)";

TEST(PortPower, AWedgedPhone_IsRestoredOnceItsPortWasSwitchedOffAndOn) {
  Bench bench({.cart = kCart, .os_size = 8 << 20});
  bench.Start();
  bench.Import("iphone8_ios15");
  ASSERT_TRUE(bench.AwaitState("1-1.1", "IDLE"));
  ASSERT_TRUE(bench.AwaitState("1-2.1", "IDLE"));

  // By hand, before anything is armed: the phone leaves the bus, and comes back.
  bench.Ctl({"port", "power", "1-1.1", "off"});
  EXPECT_TRUE(bench.AwaitState("1.1", "EMPTY"));
  EXPECT_EQ(bench.Phone("A1")["plugged"].as<std::string>(), "false");
  EXPECT_EQ(bench.Rack({"fault", "A1", "wedged"}).exit_code, 0)
      << "it had power taken: wedged anew";
  bench.Ctl({"port", "power", "1.1", "on"});
  EXPECT_TRUE(bench.AwaitState("1.1", "IDLE"));
  bench.Ctl({"port", "reset", "1.1"});

  // A hub that switches all its ports together is left alone, and says so.
  const Finished refused = bench.CtlRaw({"port", "power", "2.1", "cycle"});
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_TRUE(refused.err.contains("switches all its ports together")) << refused.out << refused.err;

  bench.Ctl({"arm", "1.1", "--yes", "--countdown", "0s"});
  ASSERT_TRUE(bench.AwaitState("1.1", "DONE", 240));
  EXPECT_EQ(bench.Phone("A1")["user_data_present"].as<std::string>(), "false");
  const YAML::Node last = bench.LastJob("1.1");
  const YAML::Node job = bench.Ctl({"job", "show", last["id"].as<std::string>()});
  const YAML::Node attempts = job["attempts"];
  ASSERT_EQ(attempts.size(), 4U);
  EXPECT_EQ(attempts[1]["rung"].as<std::string>(), "again");
  EXPECT_EQ(attempts[2]["rung"].as<std::string>(), "usb_reset");
  EXPECT_EQ(attempts[3]["rung"].as<std::string>(), "port_power");
  EXPECT_EQ(attempts[0]["error_code"].as<std::string>(), "ERROR_CODE_RECOVERY_UPLOAD");
  EXPECT_EQ(attempts[3]["error_code"].as<std::string>(), "ERROR_CODE_NONE");
  EXPECT_TRUE(
      bench.Metrics().contains("station_ladder_rungs_total{port=\"1.1\",rung=\"port_power\"} 1"));
  const YAML::Node blame = bench.Ctl({"blame"});
  EXPECT_EQ(blame["blame"][0]["failures"].as<int>(), 3);
}

}  // namespace
}  // namespace station::integration
