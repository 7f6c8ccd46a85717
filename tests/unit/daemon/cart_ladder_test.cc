// What is done to a port before the next attempt, by hand, and when it is to blame.

#include "tests/unit/daemon/world.h"

namespace station::daemon {
namespace {

using namespace std::chrono_literals;
using usb::PortAct;

const Ended kWell{.outcome = Outcome::kRestored, .signer_root = "Rack Root CA"};
const Ended kBroken{.error = ErrorCode::kRecoveryUpload, .context = "broken pipe"};

class CartLadder : public testing::Test {
 protected:
  explicit CartLadder(CartSettings settings = {}) : world(std::move(settings)) {
    world.ImportFirmware();
  }
  void Begin(std::uint8_t port, Ecid ecid) {
    world.PlugAndIdentify(port, Facts(ecid));
    ASSERT_TRUE(world.ArmPorts({std::to_string(port)}));
    world.Turn(10s);
    ASSERT_EQ(world.View(port).state, PortState::kWorking);
  }
  // To the end of the ladder, with acts that work.
  void FailThrough(std::uint8_t port) {
    for (int i = 0; i < 10 && world.View(port).state == PortState::kWorking; ++i) {
      world.End(world.LastTask(), kBroken);
      while (!world.acts.empty()) world.EndAct({});
    }
    ASSERT_EQ(world.View(port).state, PortState::kFailed);
  }
  void Unplug() {
    world.Plug({});
    world.Turn(10s);
  }
  Result<PortView> Act_(const std::string& port, PortAct act) {
    std::optional<Result<PortView>> answer;
    Act<PortView> asked;
    asked.actor = "test";
    asked.reply = [&](Result<PortView> result) { answer = std::move(result); };
    world.cart->ActOnPort({port, act}, std::move(asked));
    if (!answer) world.EndAct({});
    world.Settle();
    return *answer;
  }
  Result<PortView> Service(const std::string& port) {
    return world.Ask<PortView>(
        [&](Act<PortView> act) { world.cart->ServicePort(port, "cable", std::move(act)); });
  }
  World world;
};

TEST_F(CartLadder, OneRungHigherAfterEachFailure_DoneBeforeTheAttempt_AndRecorded) {
  Begin(1, kPhone1);
  world.End(world.LastTask(), kBroken);
  EXPECT_EQ(world.View(1).state, PortState::kWorking) << "again, at once";
  EXPECT_EQ(world.View(1).rung, "again");
  world.End(world.LastTask(), kBroken);
  EXPECT_EQ(world.View(1).state, PortState::kQueued);
  ASSERT_EQ(world.acts.size(), 1U);
  EXPECT_EQ(world.acts[0].task.act, PortAct::kReset);
  EXPECT_EQ(world.acts[0].task.port.paths, (std::vector<std::string>{"1-1", "2-1"}));
  const std::size_t started = world.workers.started.size();
  world.EndAct({});
  EXPECT_EQ(world.workers.started.size(), started + 1);
  world.End(world.LastTask(), kBroken);
  ASSERT_EQ(world.acts.size(), 1U);
  EXPECT_EQ(world.acts[0].task.act, PortAct::kPowerCycle);
  world.EndAct({});
  world.End(world.LastTask(), kBroken);
  EXPECT_EQ(world.View(1).state, PortState::kFailed);
  EXPECT_EQ(world.View(1).outcome, Outcome::kNeedsCableOrPort);
  EXPECT_EQ(world.seen.rungs, (std::vector<std::string>{"again", "usb_reset", "port_power"}));
  const auto job = **world.reader->Job(world.View(1).job);
  ASSERT_EQ(job.attempts.size(), 4U);
  EXPECT_EQ(job.attempts[0].rung, "");
  EXPECT_EQ(job.attempts[3].rung, "port_power");
  EXPECT_EQ(job.attempts[3].error, ErrorCode::kRecoveryUpload);
}

TEST_F(CartLadder, ThePhoneMayBeAwayWhileItsPortIsOff_NobodyIsCalled) {
  Begin(1, kPhone1);
  world.End(world.LastTask(), kBroken);
  world.End(world.LastTask(), kBroken);
  world.EndAct({});
  world.End(world.LastTask(), kBroken);
  world.Plug({});
  EXPECT_FALSE(world.View(1).hands);
  world.EndAct({});
  world.Turn(5s);
  EXPECT_EQ(world.View(1).state, PortState::kQueued);
  EXPECT_FALSE(world.View(1).hands);
  world.Plug({OnBus(1, 9, PhoneMode::kRecovery, "ECID:0000000000001111")});
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
  EXPECT_EQ(world.View(1).rung, "port_power");
}

TEST_F(CartLadder, APhoneThatDoesNotComeBackAfterIt_IsWaitedForByHand) {
  Begin(1, kPhone1);
  world.End(world.LastTask(), kBroken);
  world.End(world.LastTask(), kBroken);
  world.Plug({});
  world.EndAct({.error = ErrorCode::kPhoneGone});
  world.Turn(25s);
  EXPECT_TRUE(world.View(1).hands);
  world.Plug({OnBus(1, 9, PhoneMode::kRecovery, "ECID:0000000000001111")});
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
}

TEST_F(CartLadder, AHubThatCannotSwitch_IsRemembered) {
  Begin(1, kPhone1);
  world.End(world.LastTask(), kBroken);
  world.End(world.LastTask(), kBroken);
  world.EndAct({});
  world.End(world.LastTask(), kBroken);
  world.EndAct({.error = ErrorCode::kPortPowerUnsupported});
  EXPECT_EQ(world.View(1).state, PortState::kWorking) << "the attempt is made all the same";
  world.End(world.LastTask(), kBroken);
  Unplug();
  Begin(1, kPhone2);
  world.seen.rungs.clear();
  FailThrough(1);
  EXPECT_EQ(world.seen.rungs, (std::vector<std::string>{"again", "usb_reset"}));
}

TEST_F(CartLadder, AnActThatDiedWhileThePortWasOff_SwitchesItOnAgain) {
  Begin(1, kPhone1);
  world.End(world.LastTask(), kBroken);
  world.End(world.LastTask(), kBroken);
  world.EndAct({});
  world.End(world.LastTask(), kBroken);
  world.EndAct({.error = ErrorCode::kWorkerDied});
  ASSERT_EQ(world.acts.size(), 1U);
  EXPECT_EQ(world.acts[0].task.act, PortAct::kPowerOn);
  world.EndAct({});
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
}

TEST_F(CartLadder, CancelledWhileTheActIsDone_NoAttemptFollows) {
  Begin(1, kPhone1);
  world.End(world.LastTask(), kBroken);
  world.End(world.LastTask(), kBroken);
  const std::size_t started = world.workers.started.size();
  ASSERT_TRUE(world.Cancel("1"));
  world.EndAct({});
  world.Turn(1min);
  EXPECT_EQ(world.workers.started.size(), started);
  EXPECT_NE(world.View(1).state, PortState::kWorking);
}

TEST_F(CartLadder, ByHand_NotWhileAWorkerIsOnThePort) {
  Begin(1, kPhone1);
  EXPECT_FALSE(Act_("1", PortAct::kPowerOff));
  EXPECT_TRUE(world.acts.empty());
  world.End(world.LastTask(), kWell);
  EXPECT_TRUE(Act_("1", PortAct::kPowerOff));
}

TEST_F(CartLadder, APortOnWhichSeveralPhonesFail_TakesNoNewJob_UntilServiced) {
  Begin(1, kPhone1);
  FailThrough(1);
  EXPECT_FALSE(world.View(1).quarantined) << "it may be that phone";
  Unplug();
  Begin(1, kPhone2);
  FailThrough(1);
  EXPECT_TRUE(world.View(1).quarantined);
  EXPECT_EQ(world.View(1).blame, "8 of 8 attempts failed, of 2 phones");
  Unplug();
  world.PlugAndIdentify(1, Facts(Ecid{0x3333}));
  ASSERT_TRUE(world.ArmPorts({"1"}));
  EXPECT_EQ(world.View(1).state, PortState::kHeld);
  EXPECT_EQ(world.View(1).error, ErrorCode::kPortQuarantined);

  world.Crash();
  world.Begin({});
  EXPECT_TRUE(world.View(1).quarantined) << "it survives a restart";
  ASSERT_TRUE(Service("1"));
  EXPECT_FALSE(world.View(1).quarantined);
  EXPECT_EQ(world.View(1).attempts, 0U);
  world.Crash();
  world.Begin({});
  EXPECT_FALSE(world.View(1).quarantined) << "so does that it was serviced";
}

TEST_F(CartLadder, OneBadPhone_LeavesThePortInUse) {
  for (int i = 0; i < 3; ++i) {
    Begin(1, kPhone1);
    FailThrough(1);
    Unplug();
  }
  EXPECT_FALSE(world.View(1).quarantined);
  bool phone_named = false;
  for (const BlameRow& row : world.cart->BlameRows())
    phone_named |= row.suspect == scheduler::Suspect::kPhone && row.name == ToString(kPhone1);
  EXPECT_TRUE(phone_named);
}

CartSettings WithMuxRestart() {
  CartSettings settings;
  settings.mux_restart_command = "true";
  return settings;
}
class CartMuxRestart : public CartLadder {
 protected:
  CartMuxRestart() : CartLadder(WithMuxRestart()) {}
};

TEST_F(CartMuxRestart, OnlyWhileNoOtherRestoreRuns_AndNothingBeginsMeanwhile) {
  world.PlugAndIdentify(1, Facts(kPhone1));
  world.Plug({OnBus(1), OnBus(2, 7, PhoneMode::kNormal, std::string(40, 'b'))});
  ledger::PhoneFacts facts = Facts(kPhone2);
  facts.udid = std::string(40, 'b');
  world.Identify(2, facts);
  ASSERT_TRUE(world.ArmPorts({"1"}));
  world.Turn(10s);
  world.End(world.LastTask(), {.error = ErrorCode::kMuxUnreachable});
  world.End(world.LastTask(), {.error = ErrorCode::kMuxUnreachable});
  ASSERT_EQ(world.acts.size(), 1U);
  EXPECT_EQ(world.acts[0].task.act, PortAct::kMuxRestart);
  EXPECT_EQ(world.acts[0].task.command, "true");
  ASSERT_TRUE(world.ArmPorts({"2"}));
  world.Turn(10s);
  EXPECT_EQ(world.View(2).state, PortState::kQueued);
  world.EndAct({});
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
  EXPECT_EQ(world.View(2).state, PortState::kWorking);
  const std::string other = world.LastTask();
  world.End(other, {.error = ErrorCode::kMuxUnreachable});
  world.End(world.LastTask(), {.error = ErrorCode::kMuxUnreachable});
  EXPECT_TRUE(world.acts.empty()) << "a restore runs";
}

}  // namespace
}  // namespace station::daemon
