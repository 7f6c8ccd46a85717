#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include "tests/simulation/report.h"

namespace station::simulation {
namespace {

class Simulation : public testing::Test {
 protected:
  void SetUp() override {
    spdlog::set_level(spdlog::level::off);
    auto made = Stock::Make();
    ASSERT_TRUE(made) << made.error().context;
    stock = std::move(*made);
  }
  [[nodiscard]] RunReport Go(const RunOptions& options) {
    return simulation::Run(options, *stock).Go();
  }

  std::unique_ptr<Stock> stock;
};

TEST_F(Simulation, CartsWithFaults_KeepEveryInvariant) {
  Distribution distribution;
  for (std::uint64_t seed = 1; seed <= 80; ++seed)
    distribution.Add(Go({.seed = seed, .faults = true}));
  EXPECT_TRUE(distribution.Broken().empty()) << distribution.Text();
}

TEST_F(Simulation, CartsWithoutFaults_EndNearlyAsEarlyAsTheyCould) {
  Distribution distribution;
  for (std::uint64_t seed = 1; seed <= 20; ++seed)
    distribution.Add(Go({.seed = seed, .faults = false}));
  EXPECT_TRUE(distribution.Broken().empty()) << distribution.Text();
  EXPECT_LE(distribution.Median(false), 1.10) << distribution.Text();
}

// Its ports taken in their order crowd one hub after the other: 1.70.
TEST_F(Simulation, ManyPhonesOnFewHubs_AreSpreadOverThem) {
  EXPECT_LE(Go({.seed = 372, .faults = false}).Ratio(), 1.25);
}

TEST_F(Simulation, OnePortAndAThousand) {
  EXPECT_EQ(Go({.seed = 5, .ports = 1}).broken, std::nullopt);
  EXPECT_EQ(Go({.seed = 6, .ports = 1000, .faults = false}).broken, std::nullopt);
}

TEST_F(Simulation, TheSameSeed_IsTheSameRun) {
  for (const std::uint64_t seed : {3U, 17U}) {
    const RunReport first = Go({.seed = seed});
    const RunReport second = Go({.seed = seed});
    EXPECT_EQ(first.trace, second.trace);
    EXPECT_EQ(first.events, second.events);
    EXPECT_EQ(first.makespan, second.makespan);
    EXPECT_NE(first.trace, Go({.seed = seed + 1}).trace);
  }
}

// The first thing that is found broken in some carts, none where nothing is.
std::string FirstBroken(Stock& stock, RunOptions options) {
  for (options.seed = 1; options.seed <= 40; ++options.seed)
    if (const auto broken = simulation::Run(options, stock).Go().broken) return *broken;
  return {};
}

TEST_F(Simulation, WorkerThatDoesNotLookWhomItHas_IsCaught) {
  const std::string broken = FirstBroken(*stock, {.careless_worker = true});
  EXPECT_NE(broken.find("its job is for"), std::string::npos) << broken;
}

TEST_F(Simulation, CartThatLetsInOneTooMany_IsCaught) {
  const std::string broken = FirstBroken(*stock, {.more_slots = 1});
  EXPECT_NE(broken.find("restores at once"), std::string::npos) << broken;
}

TEST_F(Simulation, CartThatLetsInOneTooManyAtAHub_IsCaught) {
  const std::string broken = FirstBroken(*stock, {.more_at_hubs = 1});
  EXPECT_TRUE(broken.find("restores at a hub") != std::string::npos ||
              broken.find("restores at a controller") != std::string::npos)
      << broken;
}

}  // namespace
}  // namespace station::simulation
