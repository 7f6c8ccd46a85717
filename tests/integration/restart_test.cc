// The daemon goes away in the middle and comes back: the phones do not notice.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

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

constexpr int kEight = 8;
constexpr std::uint64_t kStreamed = 160U << 20U;
std::string PortOf(int phone) { return "1-1." + std::to_string(phone); }
std::string NameOf(int phone) { return "A" + std::to_string(phone); }

// Every phone holds before its image, so that all eight images begin together.
std::string EightHeldBeforeTheImage() {
  std::string cart = "phones:\n";
  for (int i = 1; i <= kEight; ++i)
    cart += "  - {name: " + NameOf(i) + ", port: \"" + PortOf(i) +
            "\", product: \"iPhone10,1\", ecid: \"0xe8" + std::to_string(i) +
            "\", os_build: \"18H17\", mode: recovery, timing: {leave: 0.3, gap: 1, restore_boot: "
            "1, finish: 1}, faults: [\"hold-at-step system-image\"]}\n";
  return cart;
}

std::set<std::string> Workers(const Bench& bench) {
  const Finished found =
      Run({"pgrep", "-f", "station-worker .*" + bench.RunDir().string() + ".*--task job-"});
  std::istringstream lines(found.out);
  return {std::istream_iterator<std::string>(lines), {}};
}

// Sizes of the OS images a phone was sent, from the rack's recording.
std::vector<std::uint64_t> ImagesSent(const Bench& bench, const std::string& phone) {
  std::vector<std::uint64_t> sizes;
  std::istringstream lines(Bench::Read(bench.Recording(phone)));
  for (std::string line; std::getline(lines, line);) {
    const YAML::Node said = YAML::Load(line);
    if (said["channel"].as<std::string>() == "asr" && said["kind"].as<std::string>() == "transfer")
      sizes.push_back(said["message"]["size"].as<std::uint64_t>());
  }
  return sizes;
}

TEST(RestartWhileEightStream, NoWorkerDiesAndNoByteIsSentTwice) {
  Bench bench({.cart = EightHeldBeforeTheImage(), .os_size = kStreamed, .respawn = true});
  bench.Start();
  const Forged firmware = bench.Import("iphone8_ios15");
  for (int i = 1; i <= kEight; ++i) ASSERT_TRUE(bench.AwaitState(PortOf(i), "IDLE"));
  ASSERT_EQ(bench.CtlRaw({"arm", "--all-present", "--countdown", "0s", "--yes"}).exit_code, 0);
  for (int i = 1; i <= kEight; ++i)
    ASSERT_TRUE(bench.Await("before the image", [&] {
      const YAML::Node held = bench.Phone(NameOf(i))["held_at"];
      return held && held.IsScalar() && held.as<std::string>() == "system-image";
    }));
  std::map<int, std::string> jobs;
  for (int i = 1; i <= kEight; ++i) jobs[i] = bench.LastJob(PortOf(i))["id"].as<std::string>();
  const std::set<std::string> workers = Workers(bench);
  ASSERT_EQ(workers.size(), kEight);

  // They stop again behind the image: until then every worker has to be there.
  for (int i = 1; i <= kEight; ++i)
    ASSERT_EQ(bench.Rack({"fault", NameOf(i), "hold-at-step", "boot-arguments"}).exit_code, 0);
  ASSERT_TRUE(bench.Await("all stream", [&] {
    const YAML::Node ports = bench.Ctl({"ports"})["ports"];
    return std::ranges::all_of(ports, [](const auto& port) {
      return port["progress"]["step"].template as<std::string>("") == "STEP_STREAM";
    });
  }));
  bench.SignalStation("KILL");
  ASSERT_TRUE(bench.Await(
      "a new daemon", [&] { return bench.CtlRaw({"status"}, 10).exit_code == 0; }, 60));
  EXPECT_EQ(Workers(bench), workers) << "the same processes";
  for (int i = 1; i <= kEight; ++i)
    EXPECT_EQ(bench.LastJob(PortOf(i))["id"].as<std::string>(), jobs[i]) << "the same job";
  for (int i = 1; i <= kEight; ++i)
    ASSERT_EQ(bench.Rack({"fault", NameOf(i), "none"}).exit_code, 0);

  for (int i = 1; i <= kEight; ++i) {
    ASSERT_TRUE(bench.AwaitState(PortOf(i), "DONE", 180));
    const YAML::Node job = bench.LastJob(PortOf(i));
    EXPECT_EQ(job["id"].as<std::string>(), jobs[i]);
    EXPECT_EQ(job["attempt"].as<int>(), 1);
    EXPECT_EQ(bench.Phone(NameOf(i))["os_image_digest"].as<std::string>(), firmware.os_digest);
    const auto images = ImagesSent(bench, NameOf(i));
    ASSERT_EQ(images.size(), 1U) << "one image, sent once";
    EXPECT_GE(images[0], kStreamed);
    EXPECT_LT(images[0], kStreamed + kStreamed / 2);
  }
}

INSTANTIATE_TEST_SUITE_P(Daemon, Restart, testing::Values("TERM", "KILL"),
                         [](const auto& row) { return std::string(row.param); });

}  // namespace
}  // namespace station::integration
