#pragma once
// Many runs as one distribution, for people and as JSON.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/run.h"

namespace station::simulation {

class Distribution {
 public:
  void Add(const RunReport& report);
  [[nodiscard]] std::string Text() const;
  [[nodiscard]] std::string Json() const;
  [[nodiscard]] const std::vector<RunReport>& Broken() const { return broken_; }
  // Of makespan to oracle; 0 without any.
  [[nodiscard]] double Median(bool faults) const;

 private:
  // A cart's makespan to its oracle, and which cart.
  using Ratio = std::pair<double, std::uint64_t>;
  [[nodiscard]] Ratio Quantile(bool faults, double share) const;

  std::size_t carts_ = 0;
  std::size_t ports_ = 0;
  std::size_t phones_ = 0;
  std::size_t events_ = 0;
  std::map<bool, std::vector<Ratio>> ratios_;
  std::map<Fault, int> struck_;
  std::map<Outcome, int> outcomes_;
  std::map<Outcome, int> final_outcomes_;
  std::vector<RunReport> broken_;
};

}  // namespace station::simulation
