// Steps, verdicts, admission: the smaller tables.

#include <gtest/gtest.h>

#include "scheduler/ladder.h"
#include "scheduler/steps.h"
#include "scheduler/verdict.h"
#include "station/base/step_table.h"

namespace station::scheduler {
namespace {

TEST(Steps, EveryStepHasADeadlineAndItsPlaceInTheBar) {
  for (const StepSpec& spec : AllStepSpecs()) {
    EXPECT_GT(spec.deadline.count(), 0) << Name(spec.step);
    EXPECT_GE(spec.deadline, spec.typical) << Name(spec.step);
  }
  EXPECT_DOUBLE_EQ(JobFraction(Step::kNone, 0), 0);
  EXPECT_DOUBLE_EQ(JobFraction(Step::kRecord, 1), 1);
  double last = 0;
  for (const StepSpec& spec : AllStepSpecs()) {
    if (spec.step == Step::kIdentify) continue;
    EXPECT_GE(JobFraction(spec.step, 0), last) << Name(spec.step);
    last = JobFraction(spec.step, 1);
    EXPECT_DOUBLE_EQ(JobFraction(spec.step, 7), last) << "beyond the end is the end";
  }
}

TEST(Steps, NothingBeforeTheStreamDestroys) {
  for (const StepSpec& spec : AllStepSpecs())
    EXPECT_EQ(spec.destructive && spec.step < Step::kStream, false) << Name(spec.step);
  EXPECT_TRUE(Spec(Step::kStream).destructive);
  EXPECT_TRUE(Spec(Step::kFlash).destructive);
}

TEST(Verdict, EveryCodeHasAnOutcome) {
  for (const ErrorInfo& info : AllErrorCodes()) {
    const Outcome outcome = OutcomeOf(info.code);
    EXPECT_NE(outcome, Outcome::kNone) << info.name;
    EXPECT_EQ(outcome == Outcome::kRestored, info.code == ErrorCode::kNone) << info.name;
  }
}

struct Row {
  ErrorCode code;
  Outcome outcome;
  int retries;
};

class Verdicts : public testing::TestWithParam<Row> {};

TEST_P(Verdicts, FollowFromTheCodeAlone) {
  EXPECT_EQ(Name(OutcomeOf(GetParam().code)), Name(GetParam().outcome));
  EXPECT_EQ(AutomaticRetries(GetParam().code), GetParam().retries);
}

INSTANTIATE_TEST_SUITE_P(
    Table, Verdicts,
    testing::Values(Row{ErrorCode::kAsrTransfer, Outcome::kNeedsCableOrPort, 3},
                    Row{ErrorCode::kRecoveryUpload, Outcome::kNeedsCableOrPort, 3},
                    Row{ErrorCode::kPhoneGone, Outcome::kNeedsCableOrPort, 3},
                    Row{ErrorCode::kNoReconnect, Outcome::kNoSignOfLife, 0},
                    Row{ErrorCode::kSigningRefused, Outcome::kNeedsFirmwareOrSigning, 0},
                    Row{ErrorCode::kBootRejectedComponent, Outcome::kNeedsCableOrPort, 3},
                    Row{ErrorCode::kFirmwareNoIdentity, Outcome::kNeedsFirmwareOrSigning, 0},
                    Row{ErrorCode::kFirmwareRotted, Outcome::kNeedsFirmwareOrSigning, 1},
                    Row{ErrorCode::kBootRejectedNonce, Outcome::kNeedsFirmwareOrSigning, 1},
                    Row{ErrorCode::kDeviceStatusSep, Outcome::kHeld, 1},
                    Row{ErrorCode::kNonceChanged, Outcome::kNeedsFirmwareOrSigning, 1},
                    Row{ErrorCode::kPhoneMismatch, Outcome::kHeld, 0},
                    Row{ErrorCode::kNeedsButtons, Outcome::kNeedsButtons, 0},
                    Row{ErrorCode::kDeviceStatusDisk, Outcome::kHeld, 0},
                    Row{ErrorCode::kCancelled, Outcome::kCancelled, 0},
                    Row{ErrorCode::kEmergencyStop, Outcome::kCancelled, 0},
                    Row{ErrorCode::kWorkerDied, Outcome::kIndeterminate, 0}),
    [](const auto& param) { return std::string(Name(param.param.code)); });

TEST(Verdict, RetriesNeverForOperatorOrFirmware) {
  for (const ErrorInfo& info : AllErrorCodes()) {
    if (info.code == ErrorCode::kFirmwareRotted) continue;  // it waits for a sound copy first
    if (info.error_class == ErrorClass::kOperator || info.error_class == ErrorClass::kFirmware ||
        info.error_class == ErrorClass::kStopped) {
      EXPECT_EQ(AutomaticRetries(info.code), 0) << info.name;
    }
  }
}

}  // namespace
}  // namespace station::scheduler
