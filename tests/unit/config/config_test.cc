#include "config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "config/yaml/map_reader.h"

namespace station::config {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;

const std::filesystem::path kDefaultFile = std::string(STATION_SOURCE_DIR) + "/config/station.yaml";

void ExpectSame(const Config& a, const Config& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.state_dir, b.state_dir);
  EXPECT_EQ(a.run_dir, b.run_dir);
  EXPECT_EQ(a.catalogue_file, b.catalogue_file);
  EXPECT_EQ(a.program_dir, b.program_dir);
  EXPECT_EQ(a.signing_url, b.signing_url);
  EXPECT_EQ(a.signing_ca_file, b.signing_ca_file);
  EXPECT_TRUE(a.firmware == b.firmware);
  EXPECT_EQ(a.metrics_address, b.metrics_address);
  EXPECT_EQ(a.metrics_port, b.metrics_port);
  EXPECT_EQ(a.metrics_enabled, b.metrics_enabled);
  EXPECT_EQ(a.concurrency, b.concurrency);
  EXPECT_EQ(a.restored_port_rest, b.restored_port_rest);
  EXPECT_EQ(a.button_tries, b.button_tries);
  EXPECT_EQ(a.button_wait, b.button_wait);
  EXPECT_EQ(a.capture, b.capture);
  EXPECT_EQ(a.adapt, b.adapt);
  EXPECT_EQ(a.mux_restart_command, b.mux_restart_command);
  EXPECT_EQ(a.budgets, b.budgets);
  EXPECT_EQ(a.further_hosts, b.further_hosts);
  EXPECT_EQ(a.countdown, b.countdown);
  EXPECT_EQ(a.arming_expiry, b.arming_expiry);
  EXPECT_EQ(a.never_wipe.ecids, b.never_wipe.ecids);
  EXPECT_EQ(a.never_wipe.serial_numbers, b.never_wipe.serial_numbers);
  EXPECT_EQ(a.never_wipe.udids, b.never_wipe.udids);
  EXPECT_EQ(a.viewer_group, b.viewer_group);
  EXPECT_EQ(a.operator_group, b.operator_group);
  EXPECT_EQ(a.admin_group, b.admin_group);
}

TEST(ConfigTest, TheCommentedFileIsTheDefaults) {
  const auto config = Load(kDefaultFile);
  ASSERT_TRUE(config) << config.error().context;
  ExpectSame(*config, Config{});
}

// A key the loader knows is one its "allowed" list names when a section holds a wrong key.
TEST(ConfigTest, TheCommentedFileShowsEveryKey) {
  const auto document = yaml::Read(kDefaultFile);
  ASSERT_TRUE(document);
  ASSERT_EQ(document->root.entries.size(), 10U);
  for (const yaml::Entry& section : document->root.entries) {
    const auto config = Parse(section.key + ":\n  no_such_key_at_all: 1\n", "f");
    ASSERT_FALSE(config);
    const std::string& text = config.error().context;
    std::string list = text.substr(text.find("; allowed: ") + 11);
    std::set<std::string> allowed;
    std::ranges::replace(list, ',', ' ');
    std::istringstream words(list);
    for (std::string word; words >> word;) allowed.insert(word);
    std::set<std::string> shown;
    for (const yaml::Entry& entry : section.value.entries) shown.insert(entry.key);
    EXPECT_EQ(shown, allowed) << section.key;
  }
}

TEST(ConfigTest, NothingWrittenMeansTheDefaults) {
  for (const char* text : {"", "\n\n", "# only a comment\n", "---\n", "jobs: {}\n...\n", "jobs:\n",
                           "station: {}\n", "never_wipe:\n  ecids:\n"}) {
    const auto config = Parse(text, "f");
    ASSERT_TRUE(config) << text << config.error().context;
    ExpectSame(*config, Config{});
  }
}

TEST(ConfigTest, EveryKeyArrivesInItsField) {
  const auto config = Parse(R"(
station: {name: bench-3, state_dir: /s, run_dir: /r, catalogue_file: /c.yaml, program_dir: /p}
signing: {url: "http://127.0.0.1:8080/TSS", ca_file: /ca.pem}
firmware: {fetch: auto, vendor_list_url: "https://a.example/v", ipsw_me_url: "https://b.example/",
  proxy: "http://p:3128", ca_file: /roots.pem, download_window: "22:00-06:30",
  bytes_per_second: 1000, store_budget: 5000, scrub_interval: 24h, scrub_bytes_per_second: 2048}
metrics: {enabled: false, address: "::1", port: 0}
jobs: {concurrency: 30, restored_port_rest: 2m, adapt: false}
budgets: {controller_bytes_per_second: 1, phone_bytes_per_second: 2, controller_endpoints: 3, phone_endpoints: 4,
  hub_phones: 5, hub_depth: 6, mux_connections: 7, signing_requests: 0}
restore: {further_hosts: [fdr.example, 127.0.0.1]}
arming: {countdown: 0s, expiry: 2h}
never_wipe:
  ecids: [0x1A2B, "dec:17"]
  serial_numbers:
    - F2LXXXXXXXXX
    - 12345678
  udids: [00008030-001a2b3c4d5e6f70, ABCDEF0123456789ABCDEF0123456789ABCDEF01]
api: {viewer_group: users, operator_group: bench, admin_group: _wheel}
)",
                            "f");
  ASSERT_TRUE(config) << config.error().context;
  EXPECT_EQ(config->name, "bench-3");
  EXPECT_EQ(config->state_dir, "/s");
  EXPECT_EQ(config->run_dir, "/r");
  EXPECT_EQ(config->catalogue_file, "/c.yaml");
  EXPECT_EQ(config->program_dir, "/p");
  EXPECT_EQ(config->signing_url, "http://127.0.0.1:8080/TSS");
  EXPECT_EQ(config->signing_ca_file, "/ca.pem");
  Firmware firmware;
  firmware.fetch_automatically = true;
  firmware.vendor_list_url = "https://a.example/v";
  firmware.ipsw_me_url = "https://b.example";
  firmware.proxy = "http://p:3128";
  firmware.ca_file = "/roots.pem";
  firmware.download_window = Window{22 * 60, 6 * 60 + 30};
  firmware.bytes_per_second = 1000;
  firmware.store_budget = 5000;
  firmware.scrub_interval = std::chrono::hours(24);
  firmware.scrub_bytes_per_second = 2048;
  EXPECT_TRUE(config->firmware == firmware);
  EXPECT_FALSE(config->metrics_enabled);
  EXPECT_EQ(config->metrics_address, "::1");
  EXPECT_EQ(config->metrics_port, 0);
  EXPECT_EQ(config->concurrency, 30U);
  EXPECT_FALSE(config->adapt);
  EXPECT_EQ(config->budgets, (Budgets{1, 2, 3, 4, 5, 6, 7, 0}));
  EXPECT_EQ(config->restored_port_rest, seconds(120));
  EXPECT_THAT(config->further_hosts, ElementsAre("fdr.example", "127.0.0.1"));
  EXPECT_EQ(config->countdown, seconds(0));
  EXPECT_EQ(config->arming_expiry, seconds(7200));
  EXPECT_THAT(config->never_wipe.ecids, ElementsAre(Ecid{0x1a2b}, Ecid{17}));
  EXPECT_THAT(config->never_wipe.serial_numbers, ElementsAre("F2LXXXXXXXXX", "12345678"));
  EXPECT_EQ(config->viewer_group, "users");
  EXPECT_EQ(config->operator_group, "bench");
  EXPECT_EQ(config->admin_group, "_wheel");
}

// Or a phone on the list would not be recognised.
TEST(ConfigTest, NeverWipeUdidsAreBroughtToThePhonesOwnSpelling) {
  const auto config = Parse(
      "never_wipe: {udids: [00008030-001a2b3c4d5e6f70, "
      "ABCDEF0123456789ABCDEF0123456789ABCDEF01]}\n",
      "f");
  ASSERT_TRUE(config);
  EXPECT_THAT(config->never_wipe.udids,
              ElementsAre("00008030-001A2B3C4D5E6F70", "abcdef0123456789abcdef0123456789abcdef01"));
}

}  // namespace
}  // namespace station::config
