#include "scheduler/port_machine.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "station/base/step_table.h"

namespace station::scheduler {
namespace {

using S = PortState;
using E = PortEvent;
using A = PortAction;

std::vector<Transition> TableWithout(S from, E event) {
  std::vector<Transition> table(PortMachine::StandardTable().begin(),
                                PortMachine::StandardTable().end());
  std::erase_if(table,
                [&](const Transition& row) { return row.from == from && row.event == event; });
  return table;
}

std::string WhyNot(std::span<const Transition> table,
                   std::span<const StateDeadline> deadlines = PortMachine::StandardDeadlines()) {
  const auto made = PortMachine::Make(table, deadlines);
  return made ? "" : made.error().context;
}

TEST(PortMachine, StandardTableIsWhole) { EXPECT_EQ(WhyNot(PortMachine::StandardTable()), ""); }

TEST(PortMachine, TableWithHole_IsRefusedAndNamed) {
  EXPECT_EQ(WhyNot(TableWithout(S::kWorking, E::kWorkerDied)),
            "working does not say what worker_died means");
  EXPECT_EQ(WhyNot(TableWithout(S::kHeld, E::kDaemonRestarted)),
            "held does not say what daemon_restarted means");
  EXPECT_EQ(WhyNot(TableWithout(S::kCancelling, E::kEndedBadly)),
            "cancelling does not say what a failure means");
  EXPECT_EQ(WhyNot(TableWithout(S::kIdentifying, E::kNotIdentified)),
            "identifying does not say what a failure means");
}

TEST(PortMachine, DeadlineWithoutWhatComesAfter_IsRefused) {
  EXPECT_EQ(WhyNot(TableWithout(S::kQueued, E::kTimeOut)),
            "queued: a deadline and what comes after it go together");
}

TEST(PortMachine, StateWithoutWordOnItsDeadline_IsRefused) {
  const auto all = PortMachine::StandardDeadlines();
  std::vector<StateDeadline> some(all.begin(), all.end());
  std::erase_if(some, [](const StateDeadline& row) { return row.state == S::kHeld; });
  EXPECT_EQ(WhyNot(PortMachine::StandardTable(), some),
            "held needs one deadline, or says why it has none");
  for (const StateDeadline& row : all) EXPECT_FALSE(row.why.empty()) << station::Name(row.state);
}

// A job that takes every step to its deadline is not ended by its port's.
TEST(PortMachine, StatesOfAJobOutlastItsSteps) {
  std::chrono::seconds all{}, from_destruction{};
  bool destroys = false;
  for (const StepSpec& step : AllStepSpecs()) {
    destroys = destroys || step.destructive;
    all += step.deadline;
    if (destroys) from_destruction += step.deadline;
  }
  EXPECT_GT(PortMachine::Standard().Limit(S::kWorking), all);
  EXPECT_GT(PortMachine::Standard().Limit(S::kCancelling), from_destruction);
}

TEST(PortMachine, UnreachableState_IsRefused) {
  std::vector<Transition> table(PortMachine::StandardTable().begin(),
                                PortMachine::StandardTable().end());
  for (Transition& row : table)
    if (row.from == S::kWorking && row.event == E::kCancel) row.to = S::kWorking;
  EXPECT_EQ(WhyNot(table), "no way leads to cancelling");
}

TEST(PortMachine, AmbiguousTable_IsRefused) {
  std::vector<Transition> table(PortMachine::StandardTable().begin(),
                                PortMachine::StandardTable().end());
  table.push_back({S::kIdle, E::kArm, S::kHeld, A::kShowHold});
  EXPECT_EQ(WhyNot(table), "two rows for idle and arm");
}

struct Row {
  const char* name;
  S from;
  E event;
  S to;
  A action;
};

class Transitions : public testing::TestWithParam<Row> {};

TEST_P(Transitions, AreAsDesigned) {
  const Row& row = GetParam();
  const auto found = PortMachine::Standard().On(row.from, row.event);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(Name(found->to), Name(row.to));
  EXPECT_EQ(found->action, row.action);
}

INSTANTIATE_TEST_SUITE_P(
    PortMachine, Transitions,
    testing::Values(
        Row{"PluggingIn_Identifies", S::kEmpty, E::kPhoneCame, S::kIdentifying, A::kIdentify},
        Row{"Identified_LooksForArmings", S::kIdentifying, E::kIdentified, S::kIdle,
            A::kConsiderArmings},
        Row{"UnplugWhileIdle_Empties", S::kIdle, E::kPhoneGone, S::kEmpty, A::kForget},
        Row{"DisarmInCountdown_GoesIdle", S::kArmed, E::kDisarm, S::kIdle, A::kStopCountdown},
        Row{"UnplugInCountdown_WipesNothing", S::kArmed, E::kPhoneGone, S::kEmpty, A::kForget},
        Row{"SwapInCountdown_AsksAnew", S::kArmed, E::kPhoneCame, S::kIdentifying, A::kIdentify},
        Row{"HoldCleared_CountsDown", S::kHeld, E::kArm, S::kArmed, A::kStartCountdown},
        Row{"CancelWhileQueued_Withdraws", S::kQueued, E::kCancel, S::kIdle, A::kWithdrawJob},
        Row{"UnplugWhileQueued_Fails", S::kQueued, E::kStayedAway, S::kFailed, A::kLosePhone},
        Row{"PhoneGoneWhileWorking_IsTheWorkersMatter", S::kWorking, E::kStayedAway, S::kWorking,
            A::kNothing},
        Row{"WorkerDied_FailsItsPort", S::kWorking, E::kWorkerDied, S::kFailed, A::kEndJob},
        Row{"CancelWhileWorking_TellsTheWorker", S::kWorking, E::kCancel, S::kCancelling,
            A::kSendCancel},
        Row{"RestoredWhileCancelling_IsRestored", S::kCancelling, E::kRestored, S::kDone,
            A::kEndJob},
        Row{"ReplugOfDonePhone_KeepsTheResult", S::kDone, E::kPhoneBack, S::kDone, A::kNothing},
        Row{"OtherPhoneOnDonePort_IsAsked", S::kDone, E::kPhoneCame, S::kIdentifying, A::kIdentify},
        Row{"RestartInCountdown_AsksAnew", S::kArmed, E::kDaemonRestarted, S::kEmpty, A::kForget},
        Row{"RestartWhileQueued_StillWaits", S::kQueued, E::kDaemonRestarted, S::kQueued,
            A::kQueueBack},
        Row{"RestartWhileWorking_TakesTheWorkerBack", S::kWorking, E::kDaemonRestarted, S::kWorking,
            A::kTakeBack},
        Row{"RestartKeepsResults", S::kDone, E::kDaemonRestarted, S::kDone, A::kNothing},
        Row{"QueuedForTooLong_Fails", S::kQueued, E::kTimeOut, S::kFailed, A::kEndJob},
        Row{"RetryOfFailed_QueuesAgain", S::kFailed, E::kTryAgain, S::kQueued, A::kQueueAgain}),
    [](const auto& param) { return param.param.name; });

TEST(PortMachine, ArmingAWorkingPort_MeansNothing) {
  EXPECT_FALSE(PortMachine::Standard().On(S::kWorking, E::kArm).has_value());
  EXPECT_FALSE(PortMachine::Standard().On(S::kEmpty, E::kArm).has_value());
  EXPECT_FALSE(PortMachine::Standard().On(S::kIdentifying, E::kCountdownOver).has_value());
}

}  // namespace
}  // namespace station::scheduler
