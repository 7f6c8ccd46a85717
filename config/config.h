#pragma once
// The station's configuration: what a YAML file may say, with its defaults. The commented default is config/station.yaml.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "station/base/ids.h"
#include "station/base/result.h"

namespace station::config {

// Phones that are never wiped, whatever is armed.
struct NeverWipe {
  std::vector<Ecid> ecids;
  std::vector<std::string> serial_numbers;
  std::vector<std::string> udids;
};

struct Config {
  // station:
  std::string name = "station";
  std::filesystem::path state_dir = "/var/lib/station";  // store/, journals/, ledger.sqlite lie here
  std::filesystem::path run_dir = "/run/station";        // sockets: viewer.sock operator.sock admin.sock worker.sock
  std::filesystem::path catalogue_file = "/usr/share/station/catalogue.yaml";
  std::filesystem::path program_dir;  // of station-worker and station-fetcher; empty: beside stationd
  // signing:
  std::string signing_url = "https://gs.apple.com/TSS/controller?action=2";
  std::filesystem::path signing_ca_file;  // empty: the system's roots
  // metrics:
  std::string metrics_address = "127.0.0.1";  // loopback unless said otherwise
  std::uint16_t metrics_port = 9477;          // 0: any free one (written to run_dir/metrics.address)
  bool metrics_enabled = true;
  // jobs:
  std::uint32_t concurrency = 8;  // restores at once
  std::chrono::seconds restored_port_rest{5};
  // arming:
  std::chrono::seconds countdown{10};
  std::chrono::seconds arming_expiry{900};
  NeverWipe never_wipe;
  // api: file modes' groups for the sockets; empty leaves the process's own group
  std::string viewer_group;
  std::string operator_group;
  std::string admin_group;
};

// kConfigInvalid with "FILE:LINE:COLUMN: what is wrong; what is allowed" for the first fault (unknown key, wrong type,
// value out of range, missing file, duplicate key, several documents).
[[nodiscard]] Result<Config> Load(const std::filesystem::path& file);
[[nodiscard]] Result<Config> Parse(const std::string& yaml, const std::string& file_name);

}  // namespace station::config
