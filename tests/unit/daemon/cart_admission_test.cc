// Who works now: budgets by place, drain, what was measured; and what a plan says of it.

#include "tests/unit/daemon/world.h"

namespace station::daemon {
namespace {

using namespace std::chrono_literals;

CartSettings WithEndpointsFor(std::uint64_t phones) {
  CartSettings settings;
  settings.concurrency = 20;
  settings.budgets.controller_endpoints = phones * settings.budgets.phone_endpoints;
  return settings;
}

class CartAdmission : public testing::Test {
 protected:
  void PlugFour(World& world) {
    world.ImportFirmware();
    std::vector<usb::UsbPhone> all;
    for (std::uint8_t port = 1; port <= 4; ++port)
      all.push_back(OnBus(port, port, PhoneMode::kNormal,
                          std::string(39, 'a') + static_cast<char>('a' + port)));
    world.Plug(all);
    for (std::uint8_t port = 1; port <= 4; ++port) {
      const std::string task = world.workers.started[port - 1U];
      ledger::PhoneFacts facts = Facts(Ecid{0x1000U + port});
      facts.udid = std::string(39, 'a') + static_cast<char>('a' + port);
      world.cart->OnIdentified(task, facts);
      world.End(task, {});
    }
  }
  // Two phones on one hub, one on another.
  static void PlugAtHubs(World& world) {
    world.ImportFirmware();
    std::vector<usb::UsbPhone> all;
    for (const auto& [hub, port] : {std::pair(1, 1), {1, 2}, {2, 1}}) {
      const auto number = static_cast<std::uint16_t>(all.size() + 1);
      usb::UsbPhone phone = OnBus(1, number);
      phone.serial = std::string(39, 'a') + std::to_string(number);
      phone.port = {"pci0000:00/0000:00:14.0:" + std::to_string(hub) + "." + std::to_string(port)};
      phone.path = {1, {static_cast<std::uint8_t>(hub), static_cast<std::uint8_t>(port)}};
      all.push_back(std::move(phone));
    }
    world.Plug(all);
    for (std::size_t i = 0; i < all.size(); ++i) {
      ledger::PhoneFacts facts = Facts(Ecid{0x1000U + i});
      facts.udid = all[i].serial;
      const std::string task = world.workers.started[i];
      world.cart->OnIdentified(task, facts);
      world.End(task, {});
    }
  }
  static int Count(World& world, PortState state) {
    int count = 0;
    for (const PortView& port : world.cart->Ports()) count += port.state == state ? 1 : 0;
    return count;
  }
  static Result<Drain> SetDrain(World& world, Drain drain) {
    return world.Ask<Drain>([&](Act<Drain> act) { world.cart->SetDrain(drain, std::move(act)); });
  }
};

const Ended kWell{.outcome = Outcome::kRestored, .signer_root = "Rack Root CA"};

TEST_F(CartAdmission, ArmedTogether_AreSpreadOverHubsFromTheFirst) {
  CartSettings settings;
  settings.concurrency = 2;
  World world(std::move(settings));
  PlugAtHubs(world);
  ASSERT_TRUE(world.ArmPorts({"1.1", "1.2", "2.1"}));
  world.Turn(10s);
  const auto state = [&](const std::string& label) { return world.cart->FindPort(label)->state; };
  EXPECT_EQ(state("1.1"), PortState::kWorking);
  EXPECT_EQ(state("1.2"), PortState::kQueued);
  EXPECT_EQ(state("2.1"), PortState::kWorking);
}

TEST_F(CartAdmission, AControllersBudget_LetsSoManyIn_AndSaysWhatBinds) {
  World world(WithEndpointsFor(3));
  PlugFour(world);
  ASSERT_TRUE(world.ArmPorts({"1", "2", "3", "4"}));
  world.Turn(10s);
  EXPECT_EQ(Count(world, PortState::kWorking), 3);
  EXPECT_EQ(Count(world, PortState::kQueued), 1);
  const auto waiting = world.cart->View().waiting_for;
  ASSERT_EQ(waiting.size(), 1U);
  EXPECT_EQ(waiting.begin()->first, scheduler::Budget::kEndpoints);
  world.End(world.LastTask(), kWell);
  EXPECT_EQ(Count(world, PortState::kWorking), 3);
  EXPECT_EQ(Count(world, PortState::kQueued), 0);
}

TEST_F(CartAdmission, PlanSaysHowManyAtOnce_AndWhy) {
  World world(WithEndpointsFor(3));
  PlugFour(world);
  ArmSpec spec;
  spec.ports = {"1", "2", "3", "4"};
  const auto plan = world.cart->PlanArm(spec);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->fit.phones, 4U);
  EXPECT_EQ(plan->fit.at_once, 3U);
  EXPECT_EQ(plan->fit.waves, 2U);
  ASSERT_TRUE(plan->fit.binds);
  EXPECT_EQ(plan->fit.binds->of, "pci0000:00/0000:00:14.0");
  ASSERT_TRUE(SetDrain(world, Drain::kOn));
  EXPECT_EQ(world.cart->PlanArm(spec)->fit.phones, 0U) << "drained, nothing would begin";
}

TEST_F(CartAdmission, TheSigningBudget_IsGivenBackOnceThePhoneBoots) {
  CartSettings settings;
  settings.budgets.signing_requests = 1;
  World world(settings);
  PlugFour(world);
  ASSERT_TRUE(world.ArmPorts({"1", "2"}));
  world.Turn(10s);
  ASSERT_EQ(Count(world, PortState::kWorking), 1);
  world.cart->OnStep(world.LastTask(), {.step = Step::kSign});
  EXPECT_EQ(Count(world, PortState::kWorking), 1);
  world.cart->OnStep(world.LastTask(), {.step = Step::kEnterRecovery});
  EXPECT_EQ(Count(world, PortState::kWorking), 2);
}

TEST_F(CartAdmission, Drain_NothingNewBegins_WhatBeganGoesOnWithItsAttempts) {
  World world;
  PlugFour(world);
  ASSERT_TRUE(world.ArmPorts({"1"}));
  world.Turn(10s);
  const std::string task = world.LastTask();
  ASSERT_TRUE(SetDrain(world, Drain::kOn));
  EXPECT_EQ(world.cart->View().drain, Drain::kOn);
  EXPECT_FALSE(world.workers.emergency_stop) << "who works goes on";
  ASSERT_TRUE(world.ArmPorts({"2"}));
  EXPECT_EQ(world.View(2).state, PortState::kHeld);
  EXPECT_EQ(world.View(2).error, ErrorCode::kDraining);
  world.End(task, {.error = ErrorCode::kAsrTransfer});
  EXPECT_EQ(world.View(1).state, PortState::kWorking) << "its phone needs the next attempt";
  world.End(task, kWell);
  world.Turn(1min);
  EXPECT_EQ(world.View(2).state, PortState::kHeld);
  ASSERT_TRUE(SetDrain(world, Drain::kOff));
  world.Turn(10s);
  EXPECT_EQ(world.View(2).state, PortState::kWorking);
}

TEST_F(CartAdmission, DrainForTheUps_StopsWritingAndFurtherAttempts) {
  World world;
  PlugFour(world);
  ASSERT_TRUE(world.ArmPorts({"1", "2"}));
  world.Turn(10s);
  ASSERT_TRUE(SetDrain(world, Drain::kUps));
  EXPECT_TRUE(world.workers.emergency_stop);
  const std::size_t started = world.workers.started.size();
  world.End(world.LastTask(), {.error = ErrorCode::kAsrTransfer});
  EXPECT_EQ(world.workers.started.size(), started);
  EXPECT_FALSE(world.Retry("2"));
  ASSERT_TRUE(SetDrain(world, Drain::kOff));
  EXPECT_FALSE(world.workers.emergency_stop);
  EXPECT_TRUE(world.Retry("2"));
}

TEST_F(CartAdmission, DrainOutlivesTheDaemon_AlsoBesideAnEmergencyStop) {
  World world;
  PlugFour(world);
  ASSERT_TRUE(world.EmergencyStop(true));
  ASSERT_TRUE(SetDrain(world, Drain::kOn));
  world.Crash();
  world.Begin({});
  EXPECT_EQ(world.cart->View().drain, Drain::kOn);
  EXPECT_TRUE(world.workers.emergency_stop);
  ASSERT_TRUE(world.EmergencyStop(false));
  EXPECT_FALSE(world.workers.emergency_stop);
  EXPECT_EQ(world.cart->View().drain, Drain::kOn);
}

TEST_F(CartAdmission, AQueuedJobWaitsWhileDrained_AndIsNotLost) {
  CartSettings settings;
  settings.concurrency = 1;
  World world(settings);
  PlugFour(world);
  ASSERT_TRUE(world.ArmPorts({"1", "2"}));
  world.Turn(10s);
  ASSERT_EQ(Count(world, PortState::kQueued), 1);
  ASSERT_TRUE(SetDrain(world, Drain::kOn));
  world.End(world.LastTask(), kWell);
  EXPECT_EQ(Count(world, PortState::kQueued), 1);
  ASSERT_TRUE(SetDrain(world, Drain::kOff));
  EXPECT_EQ(Count(world, PortState::kQueued), 0);
  EXPECT_EQ(Count(world, PortState::kWorking), 1);
}

TEST_F(CartAdmission, FewerStreamsAreLetIn_WhenOneMoreLoweredTheWhole) {
  CartSettings settings;
  settings.concurrency = 3;
  settings.countdown = 0s;
  World world(settings);
  PlugFour(world);
  std::map<std::string, std::uint64_t> done;
  const auto second = [&](const std::vector<std::string>& tasks, std::uint64_t total) {
    for (const std::string& task : tasks)
      world.cart->OnProgress(task,
                             {Step::kStream, 0, done[task] += total / tasks.size(), 1ULL << 50U});
    world.Turn(1s);
  };
  std::vector<std::string> tasks;
  const std::vector<std::uint64_t> whole = {50'000'000, 90'000'000, 60'000'000};
  for (const std::uint64_t bytes : whole) {
    ASSERT_TRUE(world.ArmPorts({std::to_string(tasks.size() + 1)}));
    world.Turn(1ms);
    tasks.push_back(world.LastTask());
    world.cart->OnStep(tasks.back(), {Step::kStream, true, "Rack Root CA"});
    for (int i = 0; i < 13; ++i) second(tasks, bytes);
  }
  EXPECT_EQ(world.cart->View().limit, 2U);
  EXPECT_EQ(world.cart->View().configured, 3U);
  ASSERT_TRUE(world.ArmPorts({"4"}));
  world.Turn(1ms);
  world.End(tasks[0], kWell);
  EXPECT_EQ(world.View(4).state, PortState::kQueued) << "two are at work, and two is best";
  world.End(tasks[1], kWell);
  EXPECT_EQ(world.View(4).state, PortState::kWorking);
}

}  // namespace
}  // namespace station::daemon
