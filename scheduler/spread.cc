#include "scheduler/spread.h"

#include <algorithm>

#include "scheduler/budgets.h"

namespace station::scheduler {

Spread::Way Spread::WayTo(const PortKey& port) {
  std::vector<std::string> names = HubsOf(port);
  names.insert(names.begin(), ControllerOf(port));
  Way way;
  for (const std::string& name : names) {
    const auto [place, fresh] = index_.try_emplace(name, branches_.size());
    if (fresh) branches_.emplace_back();
    way.push_back(place->second);
  }
  return way;
}

void Spread::Add(const Way& way) {
  for (const std::size_t i : way) ++branches_[i].phones;
}

void Spread::Begin(const Way& way) {
  for (const std::size_t i : way) ++branches_[i].working;
}

void Spread::Remove(const Way& way, bool worked) {
  for (const std::size_t i : way) {
    --branches_[i].phones;
    if (worked) --branches_[i].working;
  }
}

// Sainte-Laguë: the branch with the least (2 working + 1) / phones has the next slot. Where a way
// ends is a branch of one phone.
bool Spread::Before(const Way& a, const Way& b) const {
  const auto at = [&](const Way& way, std::size_t level) {
    return level < way.size() ? branches_[way[level]] : Branch{1, 0};
  };
  for (std::size_t level = 0; level < std::max(a.size(), b.size()); ++level) {
    const Branch left = at(a, level), right = at(b, level);
    const std::uint64_t first = (2 * left.working + 1) * right.phones;
    const std::uint64_t second = (2 * right.working + 1) * left.phones;
    if (first != second) return first < second;
  }
  return false;
}

}  // namespace station::scheduler
