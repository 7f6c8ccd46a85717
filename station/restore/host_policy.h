#pragma once
// Which hosts a phone may reach through this host: Apple's, and nothing else of the network around,
// unless configured.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace station::restore {

[[nodiscard]] inline bool MayReach(std::string host,
                                   const std::vector<std::string>& further_hosts) {
  for (char& c : host)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return host == "apple.com" || host.ends_with(".apple.com") ||
         std::ranges::find(further_hosts, host) != further_hosts.end();
}

}  // namespace station::restore
