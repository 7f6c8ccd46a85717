#include "scheduler/port_machine.h"

#include <gtest/gtest.h>

#include <vector>

namespace station::scheduler {
namespace {

using S = PortState;
using E = PortEvent;
using A = PortAction;

TEST(PortMachine, StandardTableIsWhole) {
  const auto made = PortMachine::Make(PortMachine::StandardTable());
  EXPECT_TRUE(made.has_value()) << made.error().context;
}

TEST(PortMachine, TableWithHole_IsRefusedAndNamed) {
  std::vector<Transition> table(PortMachine::StandardTable().begin(),
                                PortMachine::StandardTable().end());
  std::erase_if(table, [](const Transition& row) {
    return row.from == S::kWorking && row.event == E::kWorkerDied;
  });
  const auto made = PortMachine::Make(table);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().context, "working does not say what worker_died means");
}

TEST(PortMachine, UnreachableState_IsRefused) {
  std::vector<Transition> table(PortMachine::StandardTable().begin(),
                                PortMachine::StandardTable().end());
  for (Transition& row : table)
    if (row.from == S::kWorking && row.event == E::kCancel) row.to = S::kWorking;
  const auto made = PortMachine::Make(table);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().context, "no way leads to cancelling");
}

TEST(PortMachine, AmbiguousTable_IsRefused) {
  std::vector<Transition> table(PortMachine::StandardTable().begin(),
                                PortMachine::StandardTable().end());
  table.push_back({S::kIdle, E::kArm, S::kHeld, A::kShowHold});
  EXPECT_FALSE(PortMachine::Make(table).has_value());
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
        Row{"RetryOfFailed_QueuesAgain", S::kFailed, E::kTryAgain, S::kQueued, A::kQueueAgain}),
    [](const auto& param) { return param.param.name; });

TEST(PortMachine, ArmingAWorkingPort_MeansNothing) {
  EXPECT_FALSE(PortMachine::Standard().On(S::kWorking, E::kArm).has_value());
  EXPECT_FALSE(PortMachine::Standard().On(S::kEmpty, E::kArm).has_value());
  EXPECT_FALSE(PortMachine::Standard().On(S::kIdentifying, E::kCountdownOver).has_value());
}

}  // namespace
}  // namespace station::scheduler
