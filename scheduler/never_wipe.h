#pragma once
// The list that wins over every arming.

#include <string>
#include <vector>

#include "scheduler/arming.h"
#include "station/base/ids.h"

namespace station::scheduler {

enum class Protection {
  kNone,
  kListed,
  kUnknown,  // the list names serial numbers or UDIDs this phone does not tell in its mode: not
             // wiped either
};

struct NeverWipeList {
  std::vector<Ecid> ecids;
  std::vector<std::string> serial_numbers;
  std::vector<std::string> udids;

  [[nodiscard]] Protection Of(const Candidate& phone) const;
};

}  // namespace station::scheduler
