#pragma once
// Which fault meets which restore: drawn from a seed alone, so that the seed replays it.

#include <cstdint>
#include <string>
#include <vector>

#include "tests/campaign/fault_table.h"

namespace campaign {

inline constexpr std::uint64_t kOsSize = 8U << 20U;
inline constexpr int kPhones = 16;
inline constexpr int kHubPorts = 8;

struct Draw {
  int phone;      // of the cart, from 0
  int firmware;   // of the two there are for each product
  bool recovery;  // begins in recovery mode, else as the restore before left it
  const FaultRow* fault;
  std::string words;  // of the rack
  int other = -1;     // whom it changes ports with
};

struct Round {
  const CommonRow* common;
  int hub;             // whose power goes
  int streaming_jobs;  // the common fault comes once so many are past signing
  int more_millis;     // and so much later
  std::vector<Draw> draws;
};

[[nodiscard]] std::vector<Round> MakePlan(int restores, std::uint64_t seed);
[[nodiscard]] std::string Describe(const std::vector<Round>& plan);

}  // namespace campaign
