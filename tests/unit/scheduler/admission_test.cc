// Who is let in when, and what a cart is told beforehand.

#include "scheduler/admission.h"

#include <gtest/gtest.h>

#include <set>

#include "scheduler/cart_plan.h"

namespace station::scheduler {
namespace {

PortKey On(const std::string& chain, const std::string& controller = "pci:14.0") {
  return {controller + ":" + chain};
}

std::vector<PortKey> AllThatFit(Admission& slots) {
  std::vector<PortKey> in;
  while (const auto port = slots.Next()) in.push_back(*port);
  return in;
}

TEST(Admission, FirstComeFirstServed_UpToTheLimit) {
  Admission slots(Budgets::JobsOnly(2));
  for (const char* chain : {"1", "2", "3", "4"}) slots.Enqueue({On(chain)});
  slots.Enqueue({On("1")});  // again is no second place
  EXPECT_EQ(AllThatFit(slots), (std::vector{On("1"), On("2")}));
  EXPECT_EQ(slots.Queued(), 2U);
  slots.Remove(On("3"));
  slots.Remove(On("1"));
  EXPECT_EQ(AllThatFit(slots), std::vector{On("4")});
}

TEST(Admission, Closed_LetsNobodyIn_KeepsWhoIsIn) {
  Admission slots(Budgets::JobsOnly(2));
  slots.Enqueue({On("1")});
  ASSERT_EQ(slots.Next(), On("1"));
  slots.SetGate(Gate::kClosed);
  slots.Enqueue({On("2")});
  EXPECT_EQ(slots.Next(), std::nullopt);
  EXPECT_EQ(slots.Working(), 1U);
  slots.SetGate(Gate::kOpen);
  EXPECT_EQ(slots.Next(), On("2"));
}

TEST(Admission, Drained_OnlyWhatBeganGoesOn) {
  Admission slots(Budgets::JobsOnly(8));
  slots.SetGate(Gate::kOnlyBegun);
  slots.Enqueue({On("1")});
  slots.Enqueue({.port = On("2"), .begun = true});
  EXPECT_EQ(AllThatFit(slots), std::vector{On("2")});
}

TEST(Admission, AdoptedJobsCount_AlsoBeyondTheLimit) {
  Admission slots(Budgets::JobsOnly(1));
  slots.Adopt(On("7"));
  slots.Adopt(On("8"));
  slots.Enqueue({On("1")});
  slots.Remove(On("8"));
  EXPECT_EQ(slots.Next(), std::nullopt);
  slots.Remove(On("7"));
  EXPECT_EQ(slots.Next(), On("1"));
}

// Each budget by itself: how many of ten phones behind two hubs fit, and what the others wait for.
struct Row {
  const char* name;
  void (*set)(Budgets&);
  std::size_t fit;
  Budget binds;
};
constexpr auto kRows = std::to_array<Row>({
    {"jobs", [](Budgets& b) { b.jobs = 3; }, 3, Budget::kJobs},
    {"bandwidth",
     [](Budgets& b) {
       b.controller_bytes_per_second = 45;
       b.phone_bytes_per_second = 10;
     },
     4, Budget::kBandwidth},
    {"endpoints",
     [](Budgets& b) {
       b.controller_endpoints = 21;
       b.phone_endpoints = 4;
     },
     5, Budget::kEndpoints},
    {"hub_power", [](Budgets& b) { b.hub_phones = 3; }, 6, Budget::kHubPower},
    {"hub_depth", [](Budgets& b) { b.hub_depth = 1; }, 6, Budget::kHubDepth},
    {"usbmuxd", [](Budgets& b) { b.mux_connections = 10; }, 2, Budget::kMux},
    {"signing", [](Budgets& b) { b.signing_requests = 7; }, 7, Budget::kSigning},
});

TEST(Admission, EachBudgetBinds) {
  for (const Row& row : kRows) {
    Budgets budgets = Budgets::JobsOnly(100);
    row.set(budgets);
    Admission slots(budgets);
    // Five behind one hub, five behind two.
    for (int i = 1; i <= 5; ++i) {
      slots.Enqueue({On("1." + std::to_string(i))});
      slots.Enqueue({On("2.1." + std::to_string(i))});
    }
    EXPECT_EQ(AllThatFit(slots).size(), row.fit) << row.name;
    const auto waiting = slots.WaitingFor();
    ASSERT_EQ(waiting.size(), 1U) << row.name;
    EXPECT_EQ(waiting.begin()->first, row.binds) << row.name;
    EXPECT_EQ(Name(row.binds), row.name);
    EXPECT_EQ(waiting.begin()->second, 10 - row.fit) << row.name;
  }
}

TEST(Admission, BudgetsAreEachControllersAndEachHubsOwn) {
  Budgets budgets = Budgets::JobsOnly(100);
  budgets.controller_endpoints = 4;
  budgets.phone_endpoints = 4;
  Admission slots(budgets);
  for (const char* controller : {"pci:14.0", "pci:15.0"})
    for (const char* chain : {"1", "2"}) slots.Enqueue({On(chain, controller)});
  EXPECT_EQ(AllThatFit(slots), (std::vector{On("1", "pci:14.0"), On("1", "pci:15.0")}));
}

TEST(Admission, OneThatDoesNotFit_LetsOthersBy_ButNotForEver) {
  Budgets budgets = Budgets::JobsOnly(100);
  budgets.hub_phones = 1;
  Admission slots(budgets);
  slots.Enqueue({On("1.1")});
  ASSERT_EQ(slots.Next(), On("1.1"));
  slots.Enqueue({On("1.2")});
  int overtook = 0;
  slots.Enqueue({On("2.1")});
  while (const auto port = slots.Next()) {
    ASSERT_NE(*port, On("1.2"));
    slots.Remove(*port);
    ASSERT_LT(++overtook, 100);
    if (overtook < 20) slots.Enqueue({On("2." + std::to_string(overtook + 1))});
  }
  EXPECT_EQ(overtook, 20) << "another hub's phones need nothing of what it waits for";
  slots.Remove(On("1.1"));
  EXPECT_EQ(slots.Next(), On("1.2"));
}

TEST(Admission, RoomIsKeptForOneThatWasOvertakenOften) {
  // A phone that needs two shares of three, among phones that need one.
  Budgets budgets = Budgets::JobsOnly(3);
  budgets.hub_depth = 1;  // one deep phone at a time
  Admission slots(budgets);
  slots.Enqueue({On("1.1.1")});
  ASSERT_EQ(slots.Next(), On("1.1.1"));
  slots.Enqueue({On("1.1.2")});
  int shallow = 0;
  const auto more = [&] { slots.Enqueue({On(std::to_string(++shallow))}); };
  more();
  more();
  ASSERT_EQ(AllThatFit(slots).size(), 2U);
  for (int i = 0; i < Admission::kPatience; ++i) {
    slots.Remove(On(std::to_string(shallow)));
    more();
    static_cast<void>(AllThatFit(slots));
  }
  // Its own slot is kept for it now: of three, one is free and stays so.
  slots.Remove(On(std::to_string(shallow)));
  more();
  EXPECT_EQ(slots.Next(), std::nullopt);
  slots.Remove(On("1.1.1"));
  EXPECT_EQ(slots.Next(), On("1.1.2"));
  EXPECT_EQ(slots.Next(), On(std::to_string(shallow)));
}

TEST(Admission, BatchesTakeTurns) {
  Admission slots(Budgets::JobsOnly(4));
  for (int i = 1; i <= 6; ++i) slots.Enqueue({On("1." + std::to_string(i)), 1});
  for (int i = 1; i <= 2; ++i) slots.Enqueue({On("2." + std::to_string(i)), 2});
  EXPECT_EQ(AllThatFit(slots), (std::vector{On("1.1"), On("2.1"), On("1.2"), On("2.2")}));
}

TEST(Admission, SlotsAreSpreadOverHubs_ByHowManyPhonesEachHas) {
  Admission slots(Budgets::JobsOnly(4));
  for (const char* chain : {"1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "2.1", "2.2"})
    slots.Enqueue({On(chain)});
  EXPECT_EQ(AllThatFit(slots), (std::vector{On("1.1"), On("1.2"), On("2.1"), On("1.3")}))
      << "three quarters of the phones are on hub 1";
  slots.Remove(On("2.1"));
  EXPECT_EQ(AllThatFit(slots), std::vector{On("2.2")}) << "hub 2 is idle otherwise";
  slots.Remove(On("1.1"));
  slots.Remove(On("2.2"));
  EXPECT_EQ(AllThatFit(slots), (std::vector{On("1.4"), On("1.5")}));
}

TEST(Admission, SpreadGoesDownToHubsOnHubs_AndOverControllers) {
  Admission slots(Budgets::JobsOnly(4));
  for (const char* chain : {"1.1.1", "1.1.2", "1.2.1", "1.2.2"}) slots.Enqueue({On(chain)});
  for (const char* chain : {"1.1", "1.2", "1.3", "1.4"}) slots.Enqueue({On(chain, "pci:15.0")});
  EXPECT_EQ(AllThatFit(slots),
            (std::vector{On("1.1.1"), On("1.1", "pci:15.0"), On("1.2.1"), On("1.2", "pci:15.0")}));
}

TEST(Admission, AdoptedJobs_AreCountedAtTheirHubs) {
  Admission slots(Budgets::JobsOnly(3));
  slots.Adopt(On("1.1"));
  slots.Adopt(On("1.2"));
  for (const char* chain : {"1.3", "2.1", "2.2"}) slots.Enqueue({On(chain)});
  EXPECT_EQ(AllThatFit(slots), std::vector{On("2.1")});
}

TEST(Admission, SigningIsGivenBackWithTheTicket) {
  Budgets budgets = Budgets::JobsOnly(8);
  budgets.signing_requests = 1;
  Admission slots(budgets);
  slots.Enqueue({On("1")});
  slots.Enqueue({On("2")});
  ASSERT_EQ(AllThatFit(slots), std::vector{On("1")});
  slots.Release(On("1"), Budget::kSigning);
  EXPECT_EQ(AllThatFit(slots), std::vector{On("2")});
  slots.Remove(On("1"));
  slots.Enqueue({On("3")});
  EXPECT_EQ(slots.Next(), std::nullopt) << "given back once, not twice";
}

TEST(Admission, WhoNeedsMoreThanThereIs_GoesAlone) {
  Budgets budgets = Budgets::JobsOnly(8);
  budgets.mux_connections = 1;
  Admission slots(budgets);
  slots.Enqueue({On("1")});
  slots.Enqueue({On("2")});
  EXPECT_EQ(AllThatFit(slots), std::vector{On("1")});
}

TEST(Admission, ALowerJobLimit_LetsWhoIsInFinish) {
  Admission slots(Budgets::JobsOnly(3));
  for (const char* chain : {"1", "2", "3", "4"}) slots.Enqueue({On(chain)});
  ASSERT_EQ(AllThatFit(slots).size(), 3U);
  slots.SetJobLimit(1);
  slots.Remove(On("1"));
  slots.Remove(On("2"));
  EXPECT_EQ(slots.Next(), std::nullopt);
  slots.Remove(On("3"));
  EXPECT_EQ(slots.Next(), On("4"));
}

TEST(PlanCart, ThirtyPhonesOnOneController_InTwoWaves) {
  Budgets budgets;
  budgets.jobs = 100;
  budgets.signing_requests = 2;  // held for a moment only
  std::vector<PlannedPhone> phones;
  for (int i = 0; i < 30; ++i)
    phones.push_back(
        {On(std::to_string(i / 10 + 1) + "." + std::to_string(i % 10 + 1)), 8'850'000'000});
  const CartPlan plan = PlanCart(budgets, phones, 0);
  EXPECT_EQ(plan.phones, 30U);
  EXPECT_EQ(plan.at_once, 24U);
  EXPECT_EQ(plan.waves, 2U);
  ASSERT_TRUE(plan.binds);
  EXPECT_EQ(plan.binds->budget, Budget::kEndpoints);
  EXPECT_EQ(plan.binds->of, "pci:14.0");
  // 24 and then 6 images over 400 MB/s resp. 35 MB/s a phone, and two minutes beside each.
  const double expected = 24 * 8850.0 / 400 + 8850.0 / 35 + 2 * 121;
  EXPECT_NEAR(static_cast<double>(plan.time.count()), expected, 3);
}

TEST(PlanCart, WhatWasMeasuredIsBelieved) {
  const std::vector<PlannedPhone> phones = {{On("1"), 1'000'000'000}};
  const auto fast = PlanCart(Budgets(), phones, 0).time;
  const auto slow = PlanCart(Budgets(), phones, 5e6).time;
  EXPECT_NEAR(static_cast<double>((slow - fast).count()), 200 - 1000.0 / 35, 2);
  EXPECT_FALSE(PlanCart(Budgets(), phones, 0).binds);
}

TEST(PlanCart, NoPhones_NoWaves) {
  const CartPlan plan = PlanCart(Budgets(), {}, 0);
  EXPECT_EQ(plan.waves, 0U);
  EXPECT_EQ(plan.time.count(), 0);
}

}  // namespace
}  // namespace station::scheduler
