// Dry runs: what they need, what they leave behind.

#include "tests/unit/daemon/world.h"

namespace station::daemon {
namespace {

using namespace std::chrono_literals;

class CartTry : public testing::Test {
 protected:
  CartTry() {
    world.ImportFirmware();
    world.PlugAndIdentify(1, Facts(kPhone1));
  }
  Result<ledger::JobRow> Try(TrySpec spec = {.port = "1", .firmware = {}}) {
    return world.Ask<ledger::JobRow>(
        [&](Act<ledger::JobRow> act) { world.cart->Try(spec, std::move(act)); });
  }
  [[nodiscard]] ledger::JobRow Stored() { return **world.reader->Job(world.View(1).job); }
  World world;
};

TEST_F(CartTry, UnarmedPhoneIsTriedAndLeftIdle) {
  const auto begun =
      Try({.port = "1", .action = Action::kUpdate, .firmware = {}, .ask_ticket = true});
  ASSERT_TRUE(begun) << begun.error().context;
  EXPECT_EQ(begun->action, Action::kTryUpdate);
  ASSERT_EQ(world.View(1).state, PortState::kWorking);
  const auto& orders = std::get<RestoreTask>(world.workers.running.at(world.LastTask()).orders);
  EXPECT_EQ(orders.action, Action::kTryUpdate);
  EXPECT_TRUE(orders.ask_ticket);
  world.End(world.LastTask(),
            {.outcome = Outcome::kTried, .context = "it would be updated\nnothing was changed"});
  EXPECT_EQ(world.View(1).state, PortState::kIdle);
  EXPECT_EQ(Stored().outcome, Outcome::kTried);
  EXPECT_EQ(Stored().context, "it would be updated\nnothing was changed");
  EXPECT_NE(Stored().ended.value, 0);
  EXPECT_TRUE(world.seen.ended.empty()) << "it counts as no restore";
  EXPECT_EQ(world.cart->View().working, 0U);
  ASSERT_TRUE(world.ArmPorts({"1"}));
  EXPECT_EQ(world.View(1).state, PortState::kArmed);
}

TEST_F(CartTry, FailureIsShownAndNeitherTriedAgainNorWaitedFor) {
  for (const ErrorCode code :
       {ErrorCode::kPhoneGone, ErrorCode::kNeedsButtons, ErrorCode::kSigningNotSigned}) {
    ASSERT_TRUE(Try());
    world.End(world.LastTask(), {.error = code});
    EXPECT_EQ(world.View(1).state, PortState::kIdle) << Name(code);
    EXPECT_EQ(world.View(1).error, code);
    EXPECT_EQ(Stored().error, code);
    EXPECT_EQ(Stored().attempt, 1);
  }
}

TEST_F(CartTry, IsRefusedWhereItCouldMeddle) {
  EXPECT_EQ(Try({.port = "nowhere", .firmware = {}}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Try({.port = "1", .action = Action::kErase, .firmware = "ff"}).error().code,
            ErrorCode::kFirmwareAbsent);
  ASSERT_TRUE(world.EmergencyStop(true));
  EXPECT_EQ(Try().error().code, ErrorCode::kEmergencyStop);
  ASSERT_TRUE(world.EmergencyStop(false));
  ASSERT_TRUE(world.ArmPorts({"1"}));
  EXPECT_EQ(Try().error().code, ErrorCode::kBadRequest);
  world.Turn(10s);
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
  EXPECT_EQ(Try().error().code, ErrorCode::kBadRequest);
}

TEST_F(CartTry, ARestartedDaemonShowsTheLastRestoreNotTheDryRun) {
  ASSERT_TRUE(world.ArmPorts({"1"}));
  world.Turn(10s);
  world.End(world.LastTask(), {.outcome = Outcome::kRestored});
  ASSERT_EQ(world.View(1).state, PortState::kDone);
  ASSERT_TRUE(Try());
  world.End(world.LastTask(), {.outcome = Outcome::kTried});
  world.Crash();
  world.Begin({});
  EXPECT_EQ(world.View(1).state, PortState::kDone);
}

}  // namespace
}  // namespace station::daemon
