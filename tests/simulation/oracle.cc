#include "tests/simulation/oracle.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace station::simulation {
namespace {

Millis Alone(const Load& load, const Floor& floor, const std::vector<double>& capacity) {
  double rate = std::min(load.bytes_per_second, capacity.front());
  for (const int hub : floor.HubsAbove(load.site))
    rate = std::min(rate, capacity[static_cast<std::size_t>(hub) + 1]);
  const auto stream = Millis(static_cast<std::int64_t>(load.pace.bytes / rate * 1000));
  return load.pace.BeforeStream() + stream + load.pace.AfterStream() + load.lost;
}

Millis SlotBound(std::vector<Millis> times, std::size_t slots) {
  std::ranges::sort(times, std::greater());
  Millis bound =
      std::accumulate(times.begin(), times.end(), Millis(0)) / static_cast<std::int64_t>(slots);
  for (std::size_t shared = 1; shared * slots < times.size(); ++shared) {
    Millis sum{0};
    for (std::size_t i = 0; i <= shared; ++i) sum += times[shared * slots - i];
    bound = std::max(bound, sum);
  }
  return bound;
}

Millis StretchBound(const std::vector<const Load*>& through, double capacity) {
  if (through.empty()) return Millis(0);
  double bytes = 0;
  Millis before = Millis::max(), after = Millis::max();
  for (const Load* load : through) {
    bytes += load->pace.bytes;
    before = std::min(before, load->pace.BeforeStream());
    after = std::min(after, load->pace.AfterStream());
  }
  return before + Millis(static_cast<std::int64_t>(bytes / capacity * 1000)) + after;
}

}  // namespace

Millis BestMakespan(const std::vector<Load>& loads, const Floor& floor,
                    const std::vector<double>& capacity, const Limits& limits) {
  std::vector<Millis> alone;
  std::map<int, std::vector<Millis>> at_controller, at_hub;
  std::vector<std::vector<const Load*>> through(capacity.size());
  for (const Load& load : loads) {
    alone.push_back(Alone(load, floor, capacity));
    const int hub = floor.Sites()[static_cast<std::size_t>(load.site)].hub;
    at_hub[hub].push_back(alone.back());
    at_controller[floor.Hubs()[static_cast<std::size_t>(hub)].controller].push_back(alone.back());
    if (load.pace.bytes <= 0) continue;
    through[0].push_back(&load);
    for (const int above : floor.HubsAbove(load.site))
      through[static_cast<std::size_t>(above) + 1].push_back(&load);
  }
  Millis bound = alone.empty() ? Millis(0) : *std::ranges::max_element(alone);
  bound = std::max(bound, SlotBound(alone, limits.restores));
  for (const auto& [its, times] : at_hub) bound = std::max(bound, SlotBound(times, limits.at_hub));
  for (const auto& [its, times] : at_controller)
    bound = std::max(bound, SlotBound(times, limits.at_controller));
  for (std::size_t stretch = 0; stretch < capacity.size(); ++stretch)
    bound = std::max(bound, StretchBound(through[stretch], capacity[stretch]));
  return bound;
}

}  // namespace station::simulation
