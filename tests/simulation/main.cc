// simulate: many carts in virtual time; see README.md.

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <fstream>

#include "tests/simulation/report.h"

namespace simulation = station::simulation;

int main(int argc, char** argv) {
  CLI::App app{"simulate: the real cart in virtual time, with seeded faults"};
  int carts = 100;
  std::uint64_t seed = 1;
  int ports = 0;
  std::string json;
  bool log = false;
  app.add_option("--carts", carts, "how many; each has the seed after the last one's");
  app.add_option("--seed", seed, "of the first cart; those that 4 divides have no faults");
  app.add_option("--ports", ports, "of each cart, 1 to 1000; else 30 to 200 by the seed")
      ->check(CLI::Range(1, 1000));
  app.add_option("--json", json, "the distribution goes there, too");
  app.add_flag("--log", log, "shows what the station logs");
  CLI11_PARSE(app, argc, argv);
  spdlog::set_level(log ? spdlog::level::info : spdlog::level::off);

  auto stock = simulation::Stock::Make();
  if (!stock) {
    fmt::print(stderr, "{}\n", stock.error().context);
    return 2;
  }
  simulation::Distribution distribution;
  for (int i = 0; i < carts; ++i) {
    const std::uint64_t own = seed + static_cast<std::uint64_t>(i);
    simulation::Run run({.seed = own, .ports = ports, .faults = own % 4 != 0}, **stock);
    const simulation::RunReport report = run.Go();
    distribution.Add(report);
    if (report.broken)
      fmt::print(stderr, "BROKEN seed {} (replay: --carts 1 --seed {}{}): {}\n", own, own,
                 ports > 0 ? fmt::format(" --ports {}", ports) : "", *report.broken);
  }
  fmt::print("{}", distribution.Text());
  if (!json.empty()) std::ofstream(json) << distribution.Json() << "\n";
  return distribution.Broken().empty() ? 0 : 1;
}
