// The daemon goes and comes back.

#include "tests/unit/daemon/world.h"

namespace station::daemon {
namespace {

using namespace std::chrono_literals;

class CartRestart : public testing::Test {
 protected:
  void Work() {
    world.ImportFirmware();
    world.PlugAndIdentify(1, Facts(kPhone1));
    EXPECT_TRUE(world.ArmPorts({"1"}));
    world.Turn(10s);
    EXPECT_EQ(world.View(1).state, PortState::kWorking);
    task = world.LastTask();
    worker::v1::JournalRecord orders;
    orders.mutable_orders()->set_attempt(1);
    EXPECT_TRUE(link::JournalWriter::Open(world.folder / "journals" / task)->Append(orders));
  }
  World world;
  std::string task;
};

TEST_F(CartRestart, LivingWorker_IsAdopted) {
  Work();
  world.Crash();
  world.Begin({task});
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
  EXPECT_EQ(world.cart->View().working, 1U);
  EXPECT_TRUE(world.firmware->Hold(*ParseSha256(std::string(64, '1'))).has_value());
  world.Plug({OnBus(1)});
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
  world.End(task, {.outcome = Outcome::kRestored});
  EXPECT_EQ(world.View(1).state, PortState::kDone);
}

TEST_F(CartRestart, AdoptedWorker_HasItsDeadlines) {
  Work();
  world.Crash();
  world.Begin({task});
  for (int i = 0; i < 13; ++i) {
    world.cart->OnStep(task, {i % 2 == 0 ? Step::kStream : Step::kFlash, true, {}});
    world.Turn(i % 2 == 0 ? 59min : 29min);
  }
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
  for (int i = 13; i < 17; ++i) {
    world.cart->OnStep(task, {i % 2 == 0 ? Step::kStream : Step::kFlash, true, {}});
    world.Turn(i % 2 == 0 ? 59min : 29min);
  }
  EXPECT_EQ(world.View(1).state, PortState::kFailed);
  EXPECT_TRUE(world.workers.killed.contains(task));
}

TEST_F(CartRestart, DeadWorkerWithoutLastWord_IsIndeterminate) {
  Work();
  const JobId job = world.View(1).job;
  world.Crash();
  world.Begin({});
  EXPECT_EQ(world.View(1).state, PortState::kFailed);
  EXPECT_EQ((*world.reader->Job(job))->outcome, Outcome::kIndeterminate);
  world.Plug({OnBus(1)});
  EXPECT_TRUE(world.Retry("1").has_value());
}

TEST_F(CartRestart, AttemptNobodyBegan_IsQueuedAgain) {
  Work();
  world.cart->OnFinished(task, {.error = ErrorCode::kAsrTransfer});  // its process has to exit yet
  ASSERT_EQ(world.View(1).state, PortState::kQueued);
  world.Crash();
  world.Begin({});
  EXPECT_EQ(world.View(1).state, PortState::kQueued) << "only intended: not indeterminate";
  world.Plug({OnBus(1)});
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
}

TEST_F(CartRestart, DeadWorkerWithLastWord_IsIngested) {
  Work();
  const JobId job = world.View(1).job;
  auto journal = *link::JournalWriter::Open(world.folder / "journals" / task);
  worker::v1::JournalRecord orders;
  orders.mutable_orders()->set_attempt(1);
  worker::v1::JournalRecord finished;
  finished.mutable_finished()->set_outcome(static_cast<std::uint32_t>(Outcome::kRestored));
  finished.mutable_finished()->set_os_build_after("19H999");
  ASSERT_TRUE(journal.Append(orders) && journal.Append(finished));
  world.Crash();
  world.Begin({});
  EXPECT_EQ(world.View(1).state, PortState::kDone);
  EXPECT_EQ((*world.reader->Job(job))->os_build_after, "19H999");
}

TEST_F(CartRestart, LastWordOfAnEarlierAttempt_IsNotThisOnes) {
  Work();
  auto journal = *link::JournalWriter::Open(world.folder / "journals" / task);
  worker::v1::JournalRecord orders;
  orders.mutable_orders()->set_attempt(1);
  worker::v1::JournalRecord finished;
  finished.mutable_finished()->set_error_code(static_cast<std::uint32_t>(ErrorCode::kAsrTransfer));
  ASSERT_TRUE(journal.Append(orders) && journal.Append(finished));
  world.End(task, {.error = ErrorCode::kAsrTransfer});  // tried again
  ASSERT_EQ(world.View(1).state, PortState::kWorking);
  world.Crash();
  world.Begin({task});
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
}

TEST_F(CartRestart, AttemptThatWaitsForItsPhone_StillWaits) {
  Work();
  auto journal = *link::JournalWriter::Open(world.folder / "journals" / task);
  worker::v1::JournalRecord orders;
  orders.mutable_orders()->set_attempt(1);
  worker::v1::JournalRecord finished;
  finished.mutable_finished()->set_error_code(static_cast<std::uint32_t>(ErrorCode::kPhoneGone));
  ASSERT_TRUE(journal.Append(orders) && journal.Append(finished));
  world.Plug({});
  world.End(task, {.error = ErrorCode::kPhoneGone});
  ASSERT_EQ(world.View(1).state, PortState::kQueued);
  world.Crash();
  world.Begin({});
  EXPECT_EQ(world.View(1).state, PortState::kQueued);
  world.Turn(1min);
  world.Plug({OnBus(1, 9)});
  EXPECT_EQ(world.View(1).state, PortState::kWorking);
}

TEST_F(CartRestart, QueuedJobWhoseArmingIsOver_IsWithdrawn) {
  ledger::JobRow queued;
  queued.id = world.ledger->NextJobId();
  queued.port = OnBus(1).port;
  queued.phone = Facts(kPhone1);
  queued.created = {1};
  world.ledger->Append({ledger::PutJob{queued}});
  world.Crash();
  world.Begin({});
  EXPECT_EQ(world.View(1).state, PortState::kIdle) << "its arming is gone: it may not begin";
  EXPECT_EQ((*world.reader->Job(queued.id))->outcome, Outcome::kCancelled);
}

TEST_F(CartRestart, ResultIsStillShown_WhileItsPhoneIsThere) {
  Work();
  world.End(task, {.outcome = Outcome::kRestored});
  world.Crash();
  world.Begin({});
  EXPECT_EQ(world.View(1).state, PortState::kDone);
  world.Plug({OnBus(1)});
  world.Turn(1min);
  EXPECT_EQ(world.View(1).state, PortState::kDone);
  world.Crash();
  world.Begin({});
  world.Turn(6s);
  EXPECT_EQ(world.View(1).state, PortState::kEmpty) << "nobody there";
}

TEST_F(CartRestart, AskingProcessOfBefore_IsWaitedFor) {
  world.Plug({OnBus(1)});
  const std::string asking = world.LastTask();
  world.Crash();
  world.Begin({asking});
  EXPECT_TRUE(world.workers.killed.contains(asking));
  world.Plug({OnBus(1)});
  EXPECT_TRUE(world.workers.started.empty()) << "never two processes on one port";
  world.Die(asking);
  EXPECT_EQ(world.workers.started.size(), 1U);
}

TEST_F(CartRestart, ProcessThatStillBringsItsPhoneBack_IsWaitedFor) {
  Work();
  world.cart->OnFinished(task, {.error = ErrorCode::kCancelled, .lets_go = 180s});
  world.Crash();
  world.Begin({task});
  world.Plug({OnBus(1)});
  ASSERT_TRUE(world.Retry("1"));
  EXPECT_TRUE(world.workers.started.empty());
  world.Die(task);
  EXPECT_EQ(world.workers.started.size(), 1U);
}

TEST_F(CartRestart, ArmingsAndEmergencyStopHold) {
  world.ImportFirmware();
  world.PlugAndIdentify(1, Facts(kPhone1));
  ASSERT_TRUE(world.ArmPorts({"1"}));
  ASSERT_TRUE(world.EmergencyStop(true));
  world.Crash();
  world.Begin({});
  EXPECT_TRUE(world.cart->View().emergency_stop);
  world.PlugAndIdentify(1, Facts(kPhone1));
  EXPECT_EQ(world.View(1).state, PortState::kHeld);
  ASSERT_TRUE(world.EmergencyStop(false));
  EXPECT_EQ(world.View(1).state, PortState::kArmed);
}

TEST_F(CartRestart, TakenPhone_StaysTaken) {
  Work();
  world.End(task, {.outcome = Outcome::kRestored});
  world.Crash();
  world.Begin({});
  world.Turn(6s);
  world.PlugAndIdentify(1, Facts(kPhone1));
  EXPECT_EQ(world.View(1).state, PortState::kIdle);
}

TEST_F(CartRestart, StopTakingWork_LetsNothingBegin) {
  world.ImportFirmware();
  world.PlugAndIdentify(1, Facts(kPhone1));
  ASSERT_TRUE(world.ArmPorts({"1"}));
  world.cart->StopTakingWork();
  world.Turn(1min);
  EXPECT_EQ(world.workers.started.size(), 1U);
  EXPECT_EQ(world.ArmPorts({"1"}).error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace station::daemon
