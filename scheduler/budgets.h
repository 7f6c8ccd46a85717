#pragma once
// What working on a phone takes from the host, and how much there is of it: budgets by the port's
// place (controller, hubs on the way), which its key tells.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "station/base/ids.h"

namespace station::scheduler {

enum class Budget : std::uint8_t {
  kJobs,       // the host: worker processes
  kBandwidth,  // a controller: bytes a second, of which each phone must get a least share
  kEndpoints,  // a controller: how many it can serve
  kHubPower,   // a hub: phones it feeds while they work
  kHubDepth,   // a controller: phones behind more hubs than is good, one after the other
  kMux,        // usbmuxd: connections
  kSigning,    // the signing server: requests; given back once the ticket is there
};
inline constexpr std::array kAllBudgets = {
    Budget::kJobs,     Budget::kBandwidth, Budget::kEndpoints, Budget::kHubPower,
    Budget::kHubDepth, Budget::kMux,       Budget::kSigning};
[[nodiscard]] std::string_view Name(Budget budget);

// 0 is "not counted", save for `jobs`.
struct Budgets {
  std::uint64_t jobs = 8;
  std::uint64_t controller_bytes_per_second = 400'000'000;
  std::uint64_t phone_bytes_per_second = 10'000'000;  // the least share
  std::uint64_t controller_endpoints = 96;
  std::uint64_t phone_endpoints = 4;
  std::uint64_t hub_phones = 16;
  std::uint64_t hub_depth = 4;
  std::uint64_t mux_connections = 128;
  std::uint64_t signing_requests = 32;

  // Only `jobs` counts.
  [[nodiscard]] static Budgets JobsOnly(std::uint64_t jobs);
};

// Whose budget: "" for the host's, usbmuxd's and the signing server's.
struct Claim {
  Budget budget = Budget::kJobs;
  std::string of;
  std::uint64_t amount = 1;
  friend auto operator<=>(const Claim&, const Claim&) = default;
};

// "pci0000:00/0000:00:14.0:1.4.2": the controller, and the hubs from it to the phone, "...:1" and
// "...:1.4".
[[nodiscard]] std::string ControllerOf(const PortKey& port);
[[nodiscard]] std::vector<std::string> HubsOf(const PortKey& port);

// What a job at that port takes of what is counted.
[[nodiscard]] std::vector<Claim> ClaimsOf(const PortKey& port, const Budgets& budgets);
[[nodiscard]] std::uint64_t LimitOf(Budget budget, const Budgets& budgets);

}  // namespace station::scheduler
