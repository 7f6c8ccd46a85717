#include "tests/simulation/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace station::simulation {

void Distribution::Add(const RunReport& report) {
  ++carts_;
  ports_ += report.ports;
  phones_ += report.phones;
  events_ += report.events;
  if (report.oracle.count() > 0) ratios_[report.faults].emplace_back(report.Ratio(), report.seed);
  for (const auto& [fault, count] : report.struck) struck_[fault] += count;
  for (const auto& [outcome, count] : report.outcomes) outcomes_[outcome] += count;
  for (const auto& [outcome, count] : report.final_outcomes) final_outcomes_[outcome] += count;
  if (report.broken) broken_.push_back(report);
}

Distribution::Ratio Distribution::Quantile(bool faults, double share) const {
  const auto found = ratios_.find(faults);
  if (found == ratios_.end()) return {};
  std::vector<Ratio> sorted = found->second;
  std::ranges::sort(sorted);
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

double Distribution::Median(bool faults) const { return Quantile(faults, 0.5).first; }

std::string Distribution::Text() const {
  std::string text =
      fmt::format("{} carts, {} ports, {} phones, {} events\n", carts_, ports_, phones_, events_);
  for (const bool faults : {false, true}) {
    if (!ratios_.contains(faults)) continue;
    text += fmt::format(
        "makespan / oracle {}: median {:.3f}, p95 {:.3f}, max {:.3f} (seed {}; {} carts)\n",
        faults ? "with faults" : "without faults", Quantile(faults, 0.5).first,
        Quantile(faults, 0.95).first, Quantile(faults, 1).first, Quantile(faults, 1).second,
        ratios_.at(faults).size());
  }
  const auto line = [&](const char* title, const auto& counts) {
    text += title;
    for (const auto& [name, count] : counts) text += fmt::format(" {} {}", Name(name), count);
    text += '\n';
  };
  line("outcomes:", outcomes_);
  line("after things were put right:", final_outcomes_);
  line("faults:", struck_);
  for (const RunReport& one : broken_)
    text += fmt::format("BROKEN seed {}: {}\n", one.seed, *one.broken);
  return text;
}

std::string Distribution::Json() const {
  nlohmann::json json = {
      {"carts", carts_}, {"ports", ports_}, {"phones", phones_}, {"events", events_}};
  for (const bool faults : {false, true}) {
    if (!ratios_.contains(faults)) continue;
    json["makespan_to_oracle"][faults ? "with_faults" : "without_faults"] = {
        {"median", Quantile(faults, 0.5).first},
        {"p95", Quantile(faults, 0.95).first},
        {"max", Quantile(faults, 1).first},
        {"max_seed", Quantile(faults, 1).second}};
  }
  for (const auto& [outcome, count] : outcomes_) json["outcomes"][Name(outcome)] = count;
  for (const auto& [outcome, count] : final_outcomes_)
    json["final_outcomes"][Name(outcome)] = count;
  for (const auto& [fault, count] : struck_) json["faults"][Name(fault)] = count;
  json["broken"] = nlohmann::json::array();
  for (const RunReport& one : broken_)
    json["broken"].push_back({{"seed", one.seed}, {"what", *one.broken}});
  return json.dump(2);
}

}  // namespace station::simulation
