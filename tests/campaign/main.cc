// Many restores of a simulated cart, each with a fault drawn from a seed; what becomes of each is
// held against a table.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <fstream>

#include "tests/campaign/campaign.h"
#include "tests/campaign/report.h"

int main(int argc, char** argv) {
  CLI::App app{"restores a simulated cart again and again while things go wrong"};
  int restores = 60;
  std::uint64_t seed = 1;
  bool only_plan = false;
  std::string json;
  std::string bin = STATION_BIN_DIR;
  app.add_option("--restores", restores, "how many")->check(CLI::Range(1, 100000));
  app.add_option("--seed", seed, "the same seed meets the same faults");
  app.add_flag("--plan", only_plan, "only print what would be done");
  app.add_option("--json", json, "write the figures to this file, too");
  app.add_option("--bin", bin, "where the programs lie");
  CLI11_PARSE(app, argc, argv);
  testing::InitGoogleTest();

  const std::vector<campaign::Round> plan = campaign::MakePlan(restores, seed);
  fmt::print("{}", campaign::Describe(plan));
  if (only_plan) return 0;
  campaign::Campaign run(bin);
  const campaign::Verdict verdict = run.Run(plan);
  fmt::print("{}", campaign::AsTable(verdict, seed));
  if (!json.empty()) std::ofstream(json) << campaign::AsJson(verdict, seed) << "\n";
  if (verdict.Holds() && !testing::Test::HasFailure()) return 0;
  fmt::print(stderr, "broken with --restores {} --seed {}\n", restores, seed);
  return 1;
}
