// A job that waits for somebody at the phone: what is said, what lets it go on, how it ends.

#include <gmock/gmock.h>

#include "tests/unit/daemon/world.h"

namespace station::daemon {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class CartHands : public testing::Test {
 protected:
  CartHands() {
    world.ImportFirmware();
    world.PlugAndIdentify(1, Facts(kPhone1));
    EXPECT_TRUE(world.ArmPorts({"1"}));
    world.Turn(10s);
    EXPECT_EQ(world.View(1).state, PortState::kWorking);
    task = world.LastTask();
  }
  void Refuse(ErrorCode code = ErrorCode::kEnterRecoveryRefused) {
    world.cart->OnStep(task, {Step::kEnterRecovery, false});
    world.End(task, {.error = code, .context = "as the test wants", .step = Step::kEnterRecovery});
  }
  [[nodiscard]] ledger::JobRow Stored() { return **world.reader->Job(world.View(1).job); }
  [[nodiscard]] static usb::UsbPhone InRecovery(const char* ecid = "ECID:0000000000001111") {
    return OnBus(1, 9, PhoneMode::kRecovery, ecid);
  }

  World world;
  std::string task;
};

TEST_F(CartHands, SaysWhichButtonsAndForHowLong_WithoutASlot) {
  Refuse();
  const PortView view = world.View(1);
  EXPECT_EQ(view.state, PortState::kQueued);
  EXPECT_EQ(view.error, ErrorCode::kEnterRecoveryRefused);
  EXPECT_EQ(view.what_to_do, OperatorLine(ErrorCode::kEnterRecoveryRefused));
  ASSERT_TRUE(view.hands);
  EXPECT_EQ(view.hands->attempt, 1);
  EXPECT_EQ(view.hands->of, 3);
  EXPECT_EQ(view.hands->until, world.clock.Wall() + 2min);
  ASSERT_GE(view.hands->steps.size(), 2U);
  EXPECT_THAT(view.hands->steps[0], HasSubstr("Volume Up")) << "an iPhone 8";
  EXPECT_EQ(world.cart->View().working, 0U);
  EXPECT_EQ(Stored().ended.value, 0);
}

TEST_F(CartHands, GoesOnByItselfWhenTheModeAppears) {
  Refuse();
  world.Turn(1min);
  world.Plug({});
  world.Plug({InRecovery()});
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
  EXPECT_EQ(world.LastTask(), task) << "the same job";
  EXPECT_EQ(Stored().attempt, 2);
  EXPECT_FALSE(world.View(1).hands);
  EXPECT_EQ(world.View(1).error, ErrorCode::kNone);
  world.End(task, {.outcome = Outcome::kRestored});
  EXPECT_EQ(world.View(1).state, PortState::kDone);
}

TEST_F(CartHands, WhatIsBackBeforeItsWorkerGaveItUp_GoesOnAtOnce) {
  world.Plug({});
  world.Plug({InRecovery()});
  Refuse(ErrorCode::kNoReconnect);
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
  EXPECT_EQ(Stored().attempt, 2);
  EXPECT_FALSE(world.View(1).hands);
}

TEST_F(CartHands, ItsOwnSystemIsNotWhatWasAskedFor) {
  Refuse();
  world.Plug({});
  world.Turn(30s);
  world.Plug({OnBus(1, 9)});
  EXPECT_EQ(world.View(1).state, PortState::kQueued);
  EXPECT_TRUE(world.View(1).hands);
}

TEST_F(CartHands, AnotherPhoneInRecoveryIsNotTaken) {
  Refuse();
  world.Plug({});
  world.Plug({InRecovery("ECID:0000000000002222")});
  EXPECT_EQ(world.View(1).state, PortState::kQueued);
  EXPECT_EQ(world.workers.running.size(), 0U);
}

TEST_F(CartHands, LastTryIsDfuMode_ThenNoSignOfLife) {
  Refuse();
  world.Turn(2min);
  EXPECT_EQ(world.View(1).hands->attempt, 2);
  world.Turn(2min);
  ASSERT_TRUE(world.View(1).hands);
  EXPECT_EQ(world.View(1).hands->attempt, 3);
  EXPECT_THAT(world.View(1).hands->steps.back(), HasSubstr("stays black"));
  world.Turn(2min);
  EXPECT_EQ(world.View(1).state, PortState::kFailed);
  EXPECT_EQ(world.View(1).error, ErrorCode::kNoSignOfLife);
  EXPECT_FALSE(world.View(1).hands);
  EXPECT_EQ(Stored().outcome, Outcome::kNoSignOfLife);
  EXPECT_THAT(Stored().context, HasSubstr("enter_recovery_refused"));
}

TEST_F(CartHands, TriesAreCountedOverTheWholeJob) {
  for (int round = 1; round <= 3; ++round) {
    world.Plug({});
    Refuse(ErrorCode::kNoReconnect);
    ASSERT_TRUE(world.View(1).hands) << round;
    EXPECT_EQ(world.View(1).hands->attempt, round);
    world.Plug({OnBus(1, static_cast<std::uint16_t>(10 + round))});
    ASSERT_EQ(world.View(1).state, PortState::kWorking) << "whatever mode it came back in";
  }
  Refuse(ErrorCode::kNoReconnect);
  EXPECT_EQ(world.View(1).state, PortState::kFailed);
  EXPECT_EQ(world.View(1).error, ErrorCode::kNoReconnect) << "it lives, and its own reason stands";
}

TEST_F(CartHands, ATapOnTrustIsEnoughWhereThatWasMissing) {
  Refuse(ErrorCode::kPairingNeeded);
  EXPECT_EQ(world.View(1).state, PortState::kQueued);
  world.cart->OnMux(true, {{.bus = 1, .device_number = 5, .udid = "x", .newly_paired = true}});
  world.Settle();
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
  EXPECT_EQ(Stored().attempt, 2);
}

TEST_F(CartHands, OperatorMayRetryAtOnce) {
  Refuse(ErrorCode::kPairingNeeded);
  ASSERT_TRUE(world.Retry("1"));
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
}

TEST_F(CartHands, OperatorMayCancel) {
  Refuse();
  ASSERT_TRUE(world.Cancel("1"));
  EXPECT_EQ(world.View(1).state, PortState::kFailed);
  EXPECT_EQ(Stored().outcome, Outcome::kCancelled);
  EXPECT_FALSE(world.View(1).hands);
  world.Turn(10min);
  EXPECT_EQ(world.View(1).state, PortState::kFailed);
}

TEST_F(CartHands, ARestartedDaemonAsksAgain) {
  auto journal = *link::JournalWriter::Open(world.folder / "journals" / task);
  worker::v1::JournalRecord orders;
  orders.mutable_orders()->set_attempt(1);
  ASSERT_TRUE(journal.Append(orders));
  worker::v1::JournalRecord end;
  end.mutable_finished()->set_error_code(static_cast<std::uint32_t>(ErrorCode::kNeedsButtons));
  ASSERT_TRUE(journal.Append(end));
  Refuse(ErrorCode::kNeedsButtons);
  world.Crash();
  world.Begin({});
  world.Plug({OnBus(1)});
  EXPECT_EQ(world.View(1).state, PortState::kQueued);
  ASSERT_TRUE(world.View(1).hands);
  world.Plug({});
  world.Plug({InRecovery()});
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
}

TEST_F(CartHands, AStoppedJobMayStayToBringItsPhoneBack) {
  ASSERT_TRUE(world.Cancel("1"));
  world.cart->OnFinished(task, {.error = ErrorCode::kCancelled, .lets_go = 180s});
  world.Settle();
  EXPECT_EQ(world.View(1).state, PortState::kFailed);
  EXPECT_EQ(Stored().outcome, Outcome::kCancelled);
  world.Turn(2min);
  EXPECT_TRUE(world.workers.killed.empty());
  world.Turn(2min);
  EXPECT_TRUE(world.workers.killed.contains(task)) << "but not for ever";
}

}  // namespace
}  // namespace station::daemon
