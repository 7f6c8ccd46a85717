#pragma once
// The station's configuration: what a YAML file may say, with its defaults. The commented default
// is config/station.yaml.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "station/base/ids.h"
#include "station/base/result.h"
#include "station/base/step_table.h"

namespace station::config {

// Hours of the day, local time: from `begin` to `end` minutes after midnight; over midnight when
// the end is before the beginning.
struct Window {
  int begin = 0;
  int end = 0;
  friend bool operator==(const Window&, const Window&) = default;
};

// Phones that are never wiped, whatever is armed.
struct NeverWipe {
  std::vector<Ecid> ecids;
  std::vector<std::string> serial_numbers;
  std::vector<std::string> udids;
};

// Where firmware comes from and how it is kept.
struct Firmware {
  bool fetch_automatically = false;       // what a held port lacks
  std::string vendor_list_url;            // the vendor's list of versions; empty: not asked
  std::string ipsw_me_url;                // base address; empty: not asked
  std::string proxy;                      // empty: what the environment says
  std::filesystem::path ca_file;          // empty: the system's roots
  std::optional<Window> download_window;  // nothing: at any time
  std::uint64_t bytes_per_second = 0;     // 0: as fast as it comes
  std::uint64_t store_budget = 0;         // bytes; 0: no limit
  std::chrono::seconds scrub_interval{std::chrono::days(30)};  // 0: never
  std::uint64_t scrub_bytes_per_second = 32U << 20U;
  friend bool operator==(const Firmware&, const Firmware&) = default;
};

// What there is of what phones share; scheduler/budgets.h says what each is. 0 is "not counted".
struct Budgets {
  std::uint64_t controller_bytes_per_second = 400'000'000;
  std::uint64_t phone_bytes_per_second = 10'000'000;  // each gets at least that
  std::uint64_t controller_endpoints = 96;
  std::uint64_t phone_endpoints = 4;
  std::uint64_t hub_phones = 16;
  std::uint64_t hub_depth = 4;
  std::uint64_t mux_connections = 128;
  std::uint64_t signing_requests = 32;
  friend bool operator==(const Budgets&, const Budgets&) = default;
};

struct Config {
  // station:
  std::string name = "station";
  std::filesystem::path state_dir =
      "/var/lib/station";  // store/, journals/, ledger.sqlite lie here
  std::filesystem::path run_dir =
      "/run/station";  // sockets: viewer.sock operator.sock admin.sock worker.sock
  std::filesystem::path catalogue_file = "/usr/share/station/catalogue.yaml";
  std::filesystem::path
      program_dir;  // of station-worker and station-fetcher; empty: beside stationd
  // signing:
  std::string signing_url = "https://gs.apple.com/TSS/controller?action=2";
  std::filesystem::path signing_ca_file;  // empty: the system's roots
  Firmware firmware;
  // metrics:
  std::string metrics_address = "127.0.0.1";  // loopback unless said otherwise
  std::uint16_t metrics_port = 9477;  // 0: any free one (written to run_dir/metrics.address)
  bool metrics_enabled = true;
  // jobs:
  std::uint32_t concurrency = 8;  // restores at once, at most
  bool adapt = true;              // fewer, while fewer streams move more bytes
  std::chrono::seconds restored_port_rest{5};
  std::uint32_t button_tries = 3;         // for somebody to press a phone's buttons
  std::chrono::seconds button_wait{120};  // each
  StepDeadlines deadlines;  // of jobs' steps, where they are not the step table's
  bool capture = false;  // write the dialogue of each restore, redacted, to state_dir/captures
  std::string mux_restart_command;  // empty: usbmuxd is left alone
  Budgets budgets;
  // restore:
  std::vector<std::string> further_hosts;  // a phone may reach through this station, beside Apple's
  // arming:
  std::chrono::seconds countdown{10};
  std::chrono::seconds arming_expiry{900};
  NeverWipe never_wipe;
  // api: file modes' groups for the sockets; empty leaves the process's own group
  std::string viewer_group;
  std::string operator_group;
  std::string admin_group;
};

// kConfigInvalid with "FILE:LINE:COLUMN: what is wrong; what is allowed" for the first fault
// (unknown key, wrong type, value out of range, missing file, duplicate key, several documents).
[[nodiscard]] Result<Config> Load(const std::filesystem::path& file);
[[nodiscard]] Result<Config> Parse(const std::string& yaml, const std::string& file_name);

}  // namespace station::config
