// The daemon goes away in the middle and comes back: the phones do not notice.

#include <gtest/gtest.h>

#include <fstream>

#include "tests/integration/bench.h"

namespace station::integration {
namespace {

constexpr const char* kTwo = R"(phones:
  - {name: A1, port: "1-1.1", product: "iPhone10,1", ecid: "0xe1", os_build: "18H17", mode: normal, timing: {finish: 1}}
  - {name: A2, port: "1-1.2", product: "iPhone10,4", ecid: "0xe2", os_build: "18H17", mode: normal, timing: {finish: 1}}
)";

class Restart : public testing::TestWithParam<const char*> {};

TEST_P(Restart, WorkersGoOnAndTheNewDaemonAdoptsThem) {
  Bench bench({.cart = kTwo, .os_size = 300 << 20, .respawn = true});
  bench.Start();
  const Forged firmware = bench.Import("iphone8_ios15");
  for (const char* port : {"1-1.1", "1-1.2"}) ASSERT_TRUE(bench.AwaitState(port, "IDLE"));
  ASSERT_EQ(bench.CtlRaw({"ports", "label", "1.1", "A1"}).exit_code, 0);
  ASSERT_EQ(bench.CtlRaw({"ports", "label", "1.2", "A2"}).exit_code, 0);
  ASSERT_EQ(bench.CtlRaw({"arm", "--all-present", "--countdown", "0s", "--yes"}).exit_code, 0);
  for (const char* port : {"A1", "A2"}) ASSERT_TRUE(bench.AwaitState(port, "WORKING"));
  const auto first = bench.LastJob("A1")["id"].as<std::string>();
  const auto second = bench.LastJob("A2")["id"].as<std::string>();

  bench.SignalStation(GetParam());
  ASSERT_TRUE(bench.Await(
      "a new daemon", [&] { return bench.CtlRaw({"status"}, 10).exit_code == 0; }, 60));

  for (const char* port : {"A1", "A2"})
    ASSERT_TRUE(bench.AwaitState(port, "DONE")) << "label and job survive";
  EXPECT_EQ(bench.LastJob("A1")["id"].as<std::string>(), first) << "the same job, not a new one";
  EXPECT_EQ(bench.LastJob("A2")["id"].as<std::string>(), second);
  for (const char* name : {"A1", "A2"}) {
    EXPECT_EQ(bench.LastJob(name)["attempt"].as<int>(), 1) << "nothing was sent twice";
    const YAML::Node phone = bench.Phone(name);
    EXPECT_EQ(phone["os_image_digest"].as<std::string>(), firmware.os_digest);
    EXPECT_EQ(phone["restores_completed"].as<int>(), 1);
    EXPECT_FALSE(phone["user_data_present"].as<bool>());
  }
}

INSTANTIATE_TEST_SUITE_P(Daemon, Restart, testing::Values("TERM", "KILL"),
                         [](const auto& row) { return std::string(row.param); });

}  // namespace
}  // namespace station::integration
