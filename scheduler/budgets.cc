#include "scheduler/budgets.h"

namespace station::scheduler {
namespace {

// A restore's own: restored, the image, and the two that come and go (FDR, asynchronous data).
constexpr std::uint64_t kMuxConnectionsOfOne = 4;

}  // namespace

std::string_view Name(Budget budget) {
  switch (budget) {
    case Budget::kJobs:
      return "jobs";
    case Budget::kBandwidth:
      return "bandwidth";
    case Budget::kEndpoints:
      return "endpoints";
    case Budget::kHubPower:
      return "hub_power";
    case Budget::kHubDepth:
      return "hub_depth";
    case Budget::kMux:
      return "usbmuxd";
    case Budget::kSigning:
      return "signing";
  }
  return "unknown";
}

Budgets Budgets::JobsOnly(std::uint64_t jobs) {
  return {.jobs = jobs,
          .controller_bytes_per_second = 0,
          .phone_bytes_per_second = 0,
          .controller_endpoints = 0,
          .phone_endpoints = 0,
          .hub_phones = 0,
          .hub_depth = 0,
          .mux_connections = 0,
          .signing_requests = 0};
}

std::string ControllerOf(const PortKey& port) {
  return port.value.substr(0, port.value.rfind(':'));
}

std::vector<std::string> HubsOf(const PortKey& port) {
  std::vector<std::string> hubs;
  const std::size_t chain = port.value.rfind(':') + 1;
  for (std::size_t dot = chain; (dot = port.value.find('.', dot)) != std::string::npos; ++dot)
    hubs.push_back(port.value.substr(0, dot));
  return hubs;
}

std::vector<Claim> ClaimsOf(const PortKey& port, const Budgets& budgets) {
  std::vector<Claim> claims = {{Budget::kJobs, "", 1}};
  const std::string controller = ControllerOf(port);
  const std::vector<std::string> hubs = HubsOf(port);
  if (budgets.controller_bytes_per_second > 0 && budgets.phone_bytes_per_second > 0)
    claims.push_back({Budget::kBandwidth, controller, budgets.phone_bytes_per_second});
  if (budgets.controller_endpoints > 0 && budgets.phone_endpoints > 0)
    claims.push_back({Budget::kEndpoints, controller, budgets.phone_endpoints});
  // The nearest hub feeds the phone; hubs between are powered by themselves.
  if (budgets.hub_phones > 0 && !hubs.empty())
    claims.push_back({Budget::kHubPower, hubs.back(), 1});
  if (budgets.hub_depth > 0 && hubs.size() > budgets.hub_depth)
    claims.push_back({Budget::kHubDepth, controller, 1});
  if (budgets.mux_connections > 0) claims.push_back({Budget::kMux, "", kMuxConnectionsOfOne});
  if (budgets.signing_requests > 0) claims.push_back({Budget::kSigning, "", 1});
  return claims;
}

std::uint64_t LimitOf(Budget budget, const Budgets& budgets) {
  switch (budget) {
    case Budget::kJobs:
      return budgets.jobs;
    case Budget::kBandwidth:
      return budgets.controller_bytes_per_second;
    case Budget::kEndpoints:
      return budgets.controller_endpoints;
    case Budget::kHubPower:
      return budgets.hub_phones;
    case Budget::kHubDepth:
      return 1;
    case Budget::kMux:
      return budgets.mux_connections;
    case Budget::kSigning:
      return budgets.signing_requests;
  }
  return 0;
}

}  // namespace station::scheduler
