#pragma once
// A fault as `station-rack fault --help` shows it; each stands in the table that also carries it
// out.

#include <string_view>

namespace rack {

struct FaultLine {
  std::string_view usage;  // name and arguments
  std::string_view does;
  std::string_view until = "";  // what ends it; empty: nothing has to

  [[nodiscard]] std::string_view Name() const { return usage.substr(0, usage.find(' ')); }
};

}  // namespace rack
