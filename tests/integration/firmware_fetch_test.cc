// Firmware from the network: asked for by hand, and by phones that lack it; fetched once, whoever is killed on the way.

#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "tests/integration/bench.h"

namespace station::integration {
namespace {

constexpr const char* kAutomatic =
    "firmware:\n  fetch: auto\n  vendor_list_url: \"@CATALOGUE@/version.plist\"\n  ipsw_me_url: \"@CATALOGUE@\"\n";
const std::vector<std::string> kProducts = {"iPhone10,1", "iPhone10,4"};

std::string CartOf(int phones) {
  std::string cart = "phones:\n";
  for (int i = 0; i < phones; ++i) {
    const std::string place = std::to_string(i / 10 + 1) + "." + std::to_string(i % 10 + 1);
    cart += "  - {name: p" + std::to_string(i) + ", port: \"1-" + place + "\", product: \"" + kProducts[i % 2] + "\", ecid: \"0xf" +
            std::to_string(100 + i) + "\", os_build: \"18H17\", mode: normal, timing: {finish: 1}}\n";
  }
  return cart;
}

int CountInState(Bench& bench, const std::string& state) {
  int count = 0;
  for (const YAML::Node& port : bench.Ctl({"ports"})["ports"])
    if (port["state"].as<std::string>() == "PORT_STATE_" + state) ++count;
  return count;
}

std::vector<std::string> ArmAll(int phones, const std::string& countdown) {
  std::vector<std::string> words = {"arm"};
  for (int i = 0; i < phones; ++i) words.push_back("1-" + std::to_string(i / 10 + 1) + "." + std::to_string(i % 10 + 1));
  words.insert(words.end(), {"--countdown", countdown, "--yes"});
  return words;
}

TEST(FirmwareFetch, ByHand_FromAnAddress_WithItsHash) {
  Bench bench({.cart = CartOf(1)});
  bench.Start();
  const Forged forged = bench.Forge("iphone8_ios15");
  const std::string url = bench.Publish(forged, kProducts);
  const Finished wrong = bench.CtlRaw({"firmware", "add", url, "--sha256", std::string(64, '0')});
  EXPECT_EQ(wrong.exit_code, 3) << wrong.err;
  EXPECT_EQ(bench.Ctl({"firmware", "list"})["firmware"].size(), 0U);
  const Finished added = bench.CtlRaw({"firmware", "add", url, "--sha256", forged.sha256});
  EXPECT_EQ(added.exit_code, 0) << added.err;
  EXPECT_NE(added.err.find("100%"), std::string::npos) << added.err;
  const YAML::Node list = bench.Ctl({"firmware", "list"})["firmware"];
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0]["sha256"].as<std::string>(), forged.sha256);
  EXPECT_EQ(list[0]["source"].as<std::string>(), url);
}

TEST(FirmwareFetch, Cancelled_GoesOnWhereItWas) {
  Bench bench({.cart = CartOf(1), .os_size = 96ULL << 20U});
  bench.Start();
  const Forged forged = bench.Forge("iphone8_ios15");
  const auto size = std::filesystem::file_size(forged.file);
  ASSERT_EQ(bench.Rack({"fault", "downloads", "rate", "10000000"}).exit_code, 0);
  const std::string url = bench.Publish(forged, kProducts);
  EXPECT_NE(bench.CtlRaw({"firmware", "cancel"}).exit_code, 0) << "nothing is being taken in";
  Finished added;
  std::jthread adding([&] { added = bench.CtlRaw({"firmware", "add", url, "--sha256", forged.sha256}); });
  const bool half = bench.Await("half of it has come", [&] { return bench.BytesSent() > size / 2; }, 60);
  const Finished cancelled = bench.CtlRaw({"firmware", "cancel"});
  adding.join();
  ASSERT_TRUE(half);
  EXPECT_EQ(cancelled.exit_code, 0) << cancelled.err;
  EXPECT_NE(cancelled.out.find(url), std::string::npos) << cancelled.out;
  EXPECT_NE(added.exit_code, 0);
  EXPECT_NE(added.err.find("Cancelled by an operator"), std::string::npos) << added.err;
  ASSERT_EQ(bench.Rack({"fault", "downloads", "rate", "0"}).exit_code, 0);
  const Finished again = bench.CtlRaw({"firmware", "add", url, "--sha256", forged.sha256});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_LE(static_cast<double>(bench.BytesSent()), 1.1 * static_cast<double>(size));
}

TEST(FirmwareFetch, HeldPhonesAreServedAndRestored) {
  Bench bench({.cart = CartOf(2), .extra_config = kAutomatic});
  bench.Start();
  const Forged forged = bench.Forge("iphone8_ios15");
  ASSERT_TRUE(bench.AwaitState("1-1.1", "IDLE"));
  ASSERT_TRUE(bench.AwaitState("1-1.2", "IDLE"));
  // Nobody offers anything yet: held, and the port says what is being done about it.
  ASSERT_EQ(bench.CtlRaw({"arm", "1-1.1", "--countdown", "0s", "--yes"}).exit_code, 0);
  ASSERT_TRUE(bench.AwaitState("1-1.1", "HELD"));
  ASSERT_TRUE(bench.Await("the port says that it was not found", [&] {
    return bench.Port("1-1.1")["what_to_do"].as<std::string>().starts_with("Not fetched, tried again at ");
  }));
  bench.Publish(forged, kProducts);
  ASSERT_EQ(bench.CtlRaw({"arm", "1-1.2", "--countdown", "0s", "--yes"}).exit_code, 0);
  for (const auto& [port, name] : std::vector<std::pair<std::string, std::string>>{{"1-1.2", "p1"}, {"1-1.1", "p0"}}) {
    ASSERT_TRUE(bench.AwaitState(port, "DONE", 150));
    EXPECT_EQ(bench.Phone(name)["os_build"].as<std::string>(), forged.build);
    EXPECT_EQ(bench.Phone(name)["os_image_digest"].as<std::string>(), forged.os_digest);
  }
}

// Who is killed half way.
struct Killing {
  const char* name;
  bool daemon;
  bool fetcher;
};

class ThirtyPorts : public testing::TestWithParam<Killing> {};

TEST_P(ThirtyPorts, AskForAnAbsentFirmware_ItIsFetchedOnce) {
  Bench bench({.cart = CartOf(30), .extra_config = kAutomatic, .os_size = 320ULL << 20U, .respawn = true});
  bench.Start();
  const Forged forged = bench.Forge("iphone8_ios15");
  const auto size = std::filesystem::file_size(forged.file);
  // Slow enough to be met half way, also on a busy machine.
  ASSERT_EQ(bench.Rack({"fault", "downloads", "rate", "10000000"}).exit_code, 0);
  bench.Publish(forged, kProducts);
  ASSERT_TRUE(bench.Await("thirty phones are identified", [&] { return CountInState(bench, "IDLE") == 30; }, 120));
  const Finished armed = bench.CtlRaw(ArmAll(30, "10m"));
  ASSERT_EQ(armed.exit_code, 0) << armed.err;
  ASSERT_TRUE(bench.Await("half of it has come", [&] { return bench.BytesSent() > size / 2; }, 120));
  EXPECT_EQ(CountInState(bench, "HELD"), 30);
  if (GetParam().daemon) bench.SignalStation("KILL");
  if (GetParam().fetcher) {
    EXPECT_TRUE(bench.KillFetcher()) << "it was still at work";
  }
  ASSERT_EQ(bench.Rack({"fault", "downloads", "rate", "0"}).exit_code, 0);
  ASSERT_TRUE(bench.Await("the daemon is there", [&] { return bench.CtlRaw({"ports"}).exit_code == 0; }, 30));
  ASSERT_TRUE(bench.Await("all thirty go on", [&] { return CountInState(bench, "ARMED") == 30; }, 120));
  ASSERT_EQ(bench.CtlRaw({"disarm", "--all"}).exit_code, 0);
  const std::uint64_t sent = bench.BytesSent();
  EXPECT_GE(sent, size);
  EXPECT_LE(static_cast<double>(sent), 1.02 * static_cast<double>(size));
  std::cerr << "network bytes per byte: " << static_cast<double>(sent) / static_cast<double>(size) << "\n";
  const YAML::Node list = bench.Ctl({"firmware", "list"})["firmware"];
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0]["sha256"].as<std::string>(), forged.sha256);
}

INSTANTIATE_TEST_SUITE_P(Killed, ThirtyPorts,
                         testing::Values(Killing{"Nobody", false, false}, Killing{"TheDaemon", true, false},
                                         Killing{"TheFetcher", false, true}, Killing{"Both", true, true}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace station::integration
