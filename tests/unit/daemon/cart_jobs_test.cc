// A job from its countdown to its result.

#include "tests/unit/daemon/world.h"

namespace station::daemon {
namespace {

using namespace std::chrono_literals;

// One phone, armed, its worker running.
class CartJobs : public testing::Test {
 protected:
  CartJobs() {
    world.ImportFirmware();
    world.PlugAndIdentify(1, Facts(kPhone1));
    EXPECT_TRUE(world.ArmPorts({"1"}));
    world.Turn(10s);
    EXPECT_EQ(world.View(1).state, PortState::kWorking);
    task = world.LastTask();
  }
  [[nodiscard]] ledger::JobRow Stored() { return **world.reader->Job(world.View(1).job); }

  World world;
  std::string task;
};

const Ended kWell{.outcome = Outcome::kRestored,
                  .step = Step::kConfirm,
                  .os_build_after = "19H999",
                  .signer_root = "Rack Root CA"};

TEST_F(CartJobs, OrdersNameThePhoneAndCarryTheFirmware) {
  const auto& orders = std::get<RestoreTask>(world.workers.running.at(task).orders);
  EXPECT_EQ(orders.phone.ecid, kPhone1);
  EXPECT_EQ(orders.phone.chip_id, 0x8015U) << "from the catalogue";
  EXPECT_EQ(orders.firmware_sha256, std::string(64, '1'));
  EXPECT_TRUE(orders.files.ipsw.Valid());
  EXPECT_EQ(orders.journal.filename(), task);
  EXPECT_EQ(world.cart->Leases().at(std::string(64, '1')), 1);
}

TEST_F(CartJobs, Restored_IsShownAndRecorded_AsSimulated) {
  world.cart->OnStep(task, {Step::kSign, false, "Rack Root CA"});
  world.cart->OnStep(task, {Step::kStream, true, "Rack Root CA"});
  world.End(task, kWell);
  EXPECT_EQ(world.View(1).state, PortState::kDone);
  EXPECT_EQ(world.View(1).outcome, Outcome::kRestored);
  EXPECT_TRUE(world.View(1).simulated);
  const ledger::JobRow job = Stored();
  EXPECT_EQ(job.outcome, Outcome::kRestored);
  EXPECT_EQ(job.os_build_after, "19H999");
  EXPECT_TRUE(job.simulated);
  EXPECT_NE(job.ended.value, 0);
  ASSERT_EQ(job.steps.size(), 2U);
  EXPECT_EQ(job.steps[1].step, Step::kStream);
  EXPECT_NE(job.steps[1].ended.value, 0);
  EXPECT_EQ(world.seen.ended.size(), 1U);
  EXPECT_TRUE(world.cart->Leases().empty());
}

TEST_F(CartJobs, ModeChangesAreThePhonesOwn_NotAReplug) {
  world.Plug({});
  world.Turn(1min);
  world.Plug({OnBus(1, 6, PhoneMode::kRecovery, "ECID:0000000000001111")});
  world.Plug({});
  world.Plug({OnBus(1, 7)});
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
  EXPECT_EQ(world.workers.started.size(), 2U);
  world.End(task, kWell);
  world.Plug({});
  world.Turn(2s);
  world.Plug({OnBus(1, 8)});
  EXPECT_EQ(world.View(1).state, PortState::kDone) << "it only re-enumerated";
}

TEST_F(CartJobs, DonePhone_GoesWhenUnplugged_AndIsNotRestoredAgain) {
  world.End(task, kWell);
  world.Plug({});
  EXPECT_EQ(world.View(1).state, PortState::kDone);
  world.Turn(6s);
  EXPECT_EQ(world.View(1).state, PortState::kEmpty);
  world.PlugAndIdentify(1, Facts(kPhone1));
  world.Turn(1min);
  EXPECT_EQ(world.View(1).state, PortState::kIdle) << "its arming took it once";
}

TEST_F(CartJobs, AnotherPhoneOnTheDonePort_IsAsked) {
  world.End(task, kWell);
  world.Plug({OnBus(1, 9, PhoneMode::kNormal, std::string(40, 'b'))});
  EXPECT_EQ(world.View(1).state, PortState::kIdentifying);
}

TEST_F(CartJobs, RearmedDonePort_IsRestoredAgain) {
  world.End(task, kWell);
  ASSERT_TRUE(world.ArmPorts({"1"}));
  EXPECT_EQ(world.View(1).state, PortState::kArmed);
  world.Turn(10s);
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
  EXPECT_NE(world.LastTask(), task);
}

TEST_F(CartJobs, WorkerDied_FailsItsPort_AndCanBeRetriedWithoutArming) {
  world.Die(task);
  EXPECT_EQ(world.View(1).state, PortState::kFailed);
  EXPECT_EQ(world.View(1).error, ErrorCode::kWorkerDied);
  EXPECT_EQ(Stored().outcome, Outcome::kIndeterminate);
  const auto retried = world.Retry("1");
  ASSERT_TRUE(retried.has_value());
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
  EXPECT_EQ(Stored().attempt, 2);
  EXPECT_EQ(Stored().ended.value, 0);
  EXPECT_EQ(world.LastTask(), task) << "the same job";
  world.End(task, kWell);
  EXPECT_EQ(Stored().outcome, Outcome::kRestored);
}

TEST_F(CartJobs, WorkerDiedButItsJournalHasTheEnd) {
  auto journal = *link::JournalWriter::Open(world.folder / "journals" / task);
  worker::v1::JournalRecord orders;
  orders.mutable_orders()->set_attempt(1);
  ASSERT_TRUE(journal.Append(orders));
  worker::v1::JournalRecord finished;
  finished.mutable_finished()->set_outcome(static_cast<std::uint32_t>(Outcome::kRestored));
  ASSERT_TRUE(journal.Append(finished));
  world.Die(task);
  EXPECT_EQ(world.View(1).state, PortState::kDone);
}

TEST_F(CartJobs, CableFault_IsTriedAgainThreeTimes_ThenFails) {
  const Ended cable{
      .error = ErrorCode::kAsrTransfer, .context = "broke off", .step = Step::kStream};
  for (int attempt = 1; attempt <= 3; ++attempt) {
    world.End(task, cable);
    while (!world.acts.empty()) world.EndAct({});
    EXPECT_EQ(world.View(1).state, PortState::kWorking) << attempt;
  }
  world.End(task, cable);
  EXPECT_EQ(world.View(1).state, PortState::kFailed);
  EXPECT_EQ(Stored().attempt, 4);
  EXPECT_EQ(Stored().outcome, Outcome::kNeedsCableOrPort);
}

TEST_F(CartJobs, NextAttempt_WaitsUntilTheLastProcessIsGone) {
  world.cart->OnFinished(task, {.error = ErrorCode::kAsrTransfer});
  world.Settle();
  EXPECT_EQ(world.View(1).state, PortState::kQueued);
  EXPECT_EQ(world.workers.started.size(), 2U);
  world.Die(task);
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
  EXPECT_EQ(world.workers.started.size(), 3U);
}

TEST_F(CartJobs, SuspectedFirmwareThatProvesRotten_IsNamedWhileTheJobWaits) {
  const auto sha256 = *ParseSha256(std::string(64, '1'));
  world.firmware->Withhold(sha256);
  world.End(task, {.error = ErrorCode::kAsrTransfer});
  EXPECT_EQ(world.View(1).state, PortState::kQueued);
  EXPECT_EQ(world.View(1).error, ErrorCode::kNone) << "it is being read again";
  ASSERT_TRUE(world.firmware->Shelf().Quarantine(sha256, "as the test wants"));
  world.firmware->Release(sha256);
  world.cart->OnFirmwareChanged();
  EXPECT_EQ(world.View(1).state, PortState::kQueued);
  EXPECT_EQ(world.View(1).error, ErrorCode::kFirmwareRotted);
}

TEST_F(CartJobs, FirmwareFault_IsNotTriedAgain) {
  world.End(task, {.error = ErrorCode::kFirmwareNoIdentity});
  EXPECT_EQ(world.View(1).state, PortState::kFailed);
  EXPECT_EQ(world.View(1).outcome, Outcome::kNeedsFirmwareOrSigning);
}

TEST_F(CartJobs, CancelBeforeTheStream_EndsTheWorkerAfterTwoSeconds) {
  world.cart->OnStep(task, {Step::kSign, false, {}});
  ASSERT_TRUE(world.Cancel("1"));
  EXPECT_EQ(world.View(1).state, PortState::kCancelling);
  EXPECT_TRUE(world.workers.cancelled.contains(task));
  world.Turn(1900ms);
  EXPECT_FALSE(world.workers.killed.contains(task));
  world.Turn(200ms);
  EXPECT_TRUE(world.workers.killed.contains(task));
  world.Die(task);
  EXPECT_EQ(world.View(1).state, PortState::kFailed);
  EXPECT_EQ(Stored().outcome, Outcome::kCancelled);
}

TEST_F(CartJobs, CancelInTheStream_WaitsForTheWorker) {
  world.cart->OnStep(task, {Step::kStream, true, {}});
  ASSERT_TRUE(world.Cancel("1"));
  world.Turn(5min);
  EXPECT_EQ(world.View(1).state, PortState::kCancelling);
  EXPECT_FALSE(world.workers.killed.contains(task));
  world.End(task, kWell);
  EXPECT_EQ(world.View(1).state, PortState::kDone) << "it was restored before it could stop";
}

TEST_F(CartJobs, StepDeadline_EndsTheWorker) {
  world.cart->OnStep(task, {Step::kSign, false, {}});
  world.Turn(181s);
  EXPECT_FALSE(world.workers.killed.contains(task)) << "it may still end it by itself";
  world.Turn(15s);
  EXPECT_TRUE(world.workers.killed.contains(task));
  world.Die(task);
  EXPECT_EQ(Stored().attempt, 2) << "tried again once";
  world.cart->OnStep(task, {Step::kSign, false, {}});
  world.Turn(196s);
  world.Die(task);
  EXPECT_EQ(world.View(1).state, PortState::kFailed);
  EXPECT_EQ(Stored().error, ErrorCode::kStepTimeout);
}

TEST_F(CartJobs, StateOverItsDeadline_IsLeft_AndItsProcessEnded) {
  ASSERT_TRUE(world.Cancel("1"));
  world.cart->OnStep(task, {Step::kStream, true, {}});
  for (int hour = 0; hour < 3; ++hour) {
    world.Turn(59min);
    world.cart->OnStep(task, {hour % 2 == 0 ? Step::kFlash : Step::kStream, true, {}});
  }
  EXPECT_EQ(world.View(1).state, PortState::kCancelling);
  world.Turn(4min);
  EXPECT_TRUE(world.workers.killed.contains(task));
  EXPECT_EQ(world.View(1).state, PortState::kFailed);
  EXPECT_EQ(Stored().error, ErrorCode::kStepTimeout);
}

TEST_F(CartJobs, QueuedForEver_Ends) {
  world.cart->OnFinished(task, {.error = ErrorCode::kAsrTransfer});
  world.Turn(71h);
  EXPECT_EQ(world.View(1).state, PortState::kQueued) << "its process does not exit";
  world.Turn(2h);
  EXPECT_EQ(world.View(1).state, PortState::kFailed);
  EXPECT_EQ(Stored().error, ErrorCode::kStepTimeout);
}

TEST_F(CartJobs, WorkerThatHangsAfterItsLastWord_IsEnded) {
  world.cart->OnFinished(task, kWell);
  world.Turn(11s);
  EXPECT_TRUE(world.workers.killed.contains(task));
  EXPECT_EQ(world.View(1).state, PortState::kDone);
}

TEST_F(CartJobs, Progress_IsShownAtMostFiveTimesASecond) {
  world.cart->OnStep(task, {Step::kStream, true, {}});
  const int before = world.seen.port_changes[world.View(1).key.value];
  for (std::uint64_t i = 1; i <= 100; ++i) {
    world.cart->OnProgress(
        task, {Step::kStream, static_cast<double>(i) / 100, i * 1'000'000, 100'000'000});
    world.clock.Advance(20ms);
  }
  const int shown = world.seen.port_changes[world.View(1).key.value] - before;
  EXPECT_GE(shown, 8);
  EXPECT_LE(shown, 11);
  EXPECT_EQ(world.seen.bytes, 100'000'000U);
  EXPECT_NEAR(world.View(1).progress.bytes_per_second, 50e6, 5e6);
  EXPECT_TRUE(world.View(1).progress.eta.has_value());
}

TEST_F(CartJobs, UnpluggedInTheStream_GoesOnWhenPluggedBack) {
  world.Plug({});
  world.End(task, {.error = ErrorCode::kPhoneGone});
  EXPECT_EQ(world.View(1).state, PortState::kQueued);
  EXPECT_EQ(world.View(1).what_to_do, OperatorLine(ErrorCode::kPhoneGone));
  EXPECT_EQ(world.cart->View().working, 0U) << "it takes no slot meanwhile";
  world.Turn(4min);
  world.Plug({OnBus(1, 9, PhoneMode::kRecovery, "ECID:0000000000001111")});
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
  EXPECT_EQ(world.View(1).error, ErrorCode::kNone);
  EXPECT_EQ(Stored().attempt, 2);
}

TEST_F(CartJobs, LeftShortlyBeforeItsAttemptFailed_IsStillAwaited) {
  world.Plug({});
  world.Turn(2s);
  world.cart->OnFinished(task, {.error = ErrorCode::kAsrTransfer});
  world.Turn(2s);
  EXPECT_EQ(world.View(1).state, PortState::kQueued)
      << "the job of a phone that may be half written";
  world.Die(task);
  world.Plug({OnBus(1, 9)});
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
}

TEST_F(CartJobs, CancelledBetweenTwoAttempts_IsAResultThatCanBeTriedAgain) {
  world.Plug({});
  world.End(task, {.error = ErrorCode::kPhoneGone});
  ASSERT_EQ(world.View(1).state, PortState::kQueued);
  ASSERT_TRUE(world.Cancel("1"));
  EXPECT_EQ(world.View(1).state, PortState::kFailed) << "its phone may be half written";
  EXPECT_EQ(Stored().outcome, Outcome::kCancelled);
  world.Plug({OnBus(1, 9)});
  EXPECT_TRUE(world.Retry("1"));
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
}

TEST_F(CartJobs, LeavesAgainWhileQueued_IsAwaitedAgain) {
  world.cart->OnFinished(task, {.error = ErrorCode::kAsrTransfer});
  world.Settle();
  world.Plug({});
  world.Turn(4s);
  EXPECT_EQ(world.View(1).state, PortState::kQueued) << "its last process still runs";
  world.Die(task);
  EXPECT_EQ(world.workers.running.size(), 0U);
  world.Plug({OnBus(1, 9)});
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
}

TEST_F(CartJobs, PhoneThatStaysAway_EndsWithoutASignOfLife_AndCanBeRetriedOnceItIsBack) {
  world.Plug({});
  world.End(task, {.error = ErrorCode::kPhoneGone});
  world.Turn(6min);
  EXPECT_EQ(world.View(1).state, PortState::kFailed) << "what to do is still shown";
  EXPECT_EQ(Stored().outcome, Outcome::kNoSignOfLife);
  EXPECT_EQ(world.Retry("1").error().code, ErrorCode::kPhoneGone);
  world.Plug({OnBus(1, 9, PhoneMode::kRecovery, "ECID:0000000000001111")});
  EXPECT_EQ(world.View(1).state, PortState::kFailed);
  EXPECT_TRUE(world.Retry("1").has_value());
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
}

TEST(CartQueue, ConcurrencyLimit_QueuesAndWithdraws) {
  CartSettings settings;
  settings.concurrency = 1;
  World world(settings);
  world.ImportFirmware();
  world.Plug({OnBus(1), OnBus(2, 6, PhoneMode::kNormal, std::string(40, 'b'))});
  const std::vector<std::string> tasks = world.workers.started;
  world.cart->OnIdentified(tasks[0], Facts(kPhone1));
  world.Die(tasks[0]);
  world.cart->OnIdentified(tasks[1], Facts(kPhone2));
  world.Die(tasks[1]);
  ASSERT_TRUE(world.ArmPorts({"1", "2"}));
  world.Turn(10s);
  EXPECT_EQ(world.cart->View().working, 1U);
  EXPECT_EQ(world.cart->View().queued, 1U);
  ASSERT_EQ(world.View(2).state, PortState::kQueued);
  const JobId queued = world.View(2).job;
  ASSERT_TRUE(world.Cancel("2"));
  EXPECT_EQ(world.View(2).state, PortState::kIdle);
  EXPECT_EQ((*world.reader->Job(queued))->outcome, Outcome::kCancelled);
  EXPECT_EQ(world.cart->View().queued, 0U);
  EXPECT_EQ(world.Retry("2").error().code, ErrorCode::kBadRequest);
}

TEST(CartQueue, UnplugWhileQueued_FailsThatJobOnly) {
  CartSettings settings;
  settings.concurrency = 1;
  World world(settings);
  world.ImportFirmware();
  world.PlugAndIdentify(1, Facts(kPhone1));
  ASSERT_TRUE(world.EmergencyStop(false));
  ASSERT_TRUE(world.ArmPorts({"1"}));
  world.Turn(10s);
  ASSERT_EQ(world.View(1).state, PortState::kWorking);
  world.Plug({OnBus(1), OnBus(2, 6, PhoneMode::kNormal, std::string(40, 'b'))});
  world.Identify(2, Facts(kPhone2));
  ASSERT_TRUE(world.ArmPorts({"2"}));
  world.Turn(10s);
  ASSERT_EQ(world.View(2).state, PortState::kQueued);
  world.Plug({OnBus(1)});
  world.Turn(4s);
  EXPECT_EQ(world.View(2).state, PortState::kFailed);
  EXPECT_EQ(world.View(2).error, ErrorCode::kPhoneGone);
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
}

TEST(CartQueue, WorkerThatCannotStart_FailsThePort) {
  World world;
  world.ImportFirmware();
  world.PlugAndIdentify(1, Facts(kPhone1));
  ASSERT_TRUE(world.ArmPorts({"1"}));
  world.workers.refuse_to_start = true;
  world.Turn(10s);
  EXPECT_EQ(world.View(1).state, PortState::kFailed);
  EXPECT_EQ(world.View(1).error, ErrorCode::kWorkerStart);
  EXPECT_EQ(world.cart->View().working, 0U);
}

}  // namespace
}  // namespace station::daemon
