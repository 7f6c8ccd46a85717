#pragma once
// Who of several goes first, so that no hub is crowded while others idle: at each controller and
// hub on the way down, slots go to its branches in proportion to how many phones each still has.
// Then the branches end at about the same time, and the one with most work is busy from the
// beginning.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "station/base/ids.h"

namespace station::scheduler {

class Spread {
 public:
  // A controller and the hubs from it to a port.
  using Way = std::vector<std::size_t>;

  [[nodiscard]] Way WayTo(const PortKey& port);

  // One more at the end of that way: waits; waits no more and works; is gone from there.
  void Add(const Way& way);
  void Begin(const Way& way);
  void Remove(const Way& way, bool worked);

  // An order; who is equal in it may come in any.
  [[nodiscard]] bool Before(const Way& a, const Way& b) const;

 private:
  struct Branch {
    std::uint64_t phones = 0;  // that wait or work below it
    std::uint64_t working = 0;
  };
  std::map<std::string, std::size_t> index_;
  std::vector<Branch> branches_;
};

}  // namespace station::scheduler
