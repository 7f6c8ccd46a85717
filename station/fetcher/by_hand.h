#pragma once
// station-fetcher without a daemon: import, fetch and find on the command line. Results are JSON on
// standard output, progress and errors go to standard error.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "station/base/result.h"

namespace station::fetcher {

// What the command line says.
struct ByHand {
  std::string file;
  std::vector<std::string> urls;
  std::string store;
  std::string sha256;
  std::string sha1;
  std::uint64_t size = 0;
  std::string proxy;
  std::string ca_file;
  std::uint64_t bytes_per_second = 0;
  std::string product;
  std::string board;
  std::string ecid;
  std::uint32_t chip_id = 0;
  std::uint32_t board_id = 0;
  std::string want = "latest";
  std::string vendor_list_url;
  std::string ipsw_me_url;
  std::string signing_url;
  std::string signing_ca_file;
};

// Leaves in `chosen` the command that was given; it answers the exit code.
void AddByHandCommands(CLI::App& app, ByHand& options, std::function<int()>& chosen,
                       const std::function<bool()>& stop);

// Says it on standard error; the exit code is the error's class.
[[nodiscard]] int Report(const Error& error);

}  // namespace station::fetcher
