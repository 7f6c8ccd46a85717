// The watch over a job: when it ends one over the story's head, and when it leaves it alone.

#include <gtest/gtest.h>

#include "station/base/step_table.h"
#include "station/worker/watchdog.h"

namespace station::worker {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

class Watching : public testing::Test {
 protected:
  JobReporter::Pulse pulse{Step::kBootRestoreOs, false, Clock::time_point(), false,
                           Clock::time_point()};
  Status wanted;
  Clock::time_point now;
  Watch watch{{[this] { return pulse; }, [this] { return wanted; }, [this] { return now; }},
              1200ms};

  // The first reason within that time, looking as often as the watchdog does.
  std::optional<Error> LookFor(std::chrono::milliseconds time) {
    for (const auto end = now + time; now < end; now += 100ms)
      if (auto reason = watch.Look()) return reason;
    return std::nullopt;
  }
};

TEST_F(Watching, LeavesAJobAloneThatNobodyWantsToEnd) { EXPECT_EQ(LookFor(9min), std::nullopt); }

TEST_F(Watching, AStationsOwnDeadlineCountsInsteadOfTheTables) {
  watch = Watch({[this] { return pulse; }, [this] { return wanted; }, [this] { return now; }},
                1200ms, {{Step::kBootRestoreOs, 15s}});
  EXPECT_EQ(LookFor(15s), std::nullopt);
  const auto reason = LookFor(1s);
  ASSERT_TRUE(reason);
  EXPECT_EQ(reason->code, ErrorCode::kStepTimeout);
  EXPECT_TRUE(reason->context.contains("15 s")) << reason->context;
}

TEST_F(Watching, CancelEndsItOnceTheStoryHadItsChance) {
  wanted = Fail(ErrorCode::kCancelled, "cancelled");
  EXPECT_EQ(LookFor(1100ms), std::nullopt);
  const auto reason = LookFor(500ms);
  ASSERT_TRUE(reason);
  EXPECT_EQ(reason->code, ErrorCode::kCancelled);
  EXPECT_LT(now.time_since_epoch(), 2s) << "within two seconds";
}

TEST_F(Watching, CancelWaitsForADestructiveStepAndCountsFromItsEnd) {
  wanted = Fail(ErrorCode::kCancelled, "cancelled");
  pulse.step = Step::kFlash;
  pulse.destructive = true;
  EXPECT_EQ(LookFor(10min), std::nullopt);
  pulse = {Step::kFollowUp, false, now, false, now};
  EXPECT_EQ(LookFor(1100ms), std::nullopt);
  EXPECT_NE(LookFor(500ms), std::nullopt);
}

TEST_F(Watching, EmergencyStopThatIsReleasedInTimeEndsNothing) {
  wanted = Fail(ErrorCode::kEmergencyStop, "emergency stop");
  EXPECT_EQ(LookFor(1000ms), std::nullopt);
  wanted = {};
  EXPECT_EQ(LookFor(1min), std::nullopt);
  wanted = Fail(ErrorCode::kEmergencyStop, "emergency stop");
  EXPECT_EQ(LookFor(1000ms), std::nullopt) << "the grace begins anew";
}

TEST_F(Watching, EveryStepEndsAtItsDeadlineDestructiveOrNot) {
  for (const StepSpec& spec : AllStepSpecs()) {
    pulse = {spec.step, spec.destructive, now, false, now};
    EXPECT_EQ(LookFor(spec.deadline), std::nullopt) << Name(spec.step);
    const auto reason = LookFor(1s);
    ASSERT_TRUE(reason) << Name(spec.step);
    EXPECT_EQ(reason->code, ErrorCode::kStepTimeout) << Name(spec.step);
  }
}

TEST_F(Watching, BytesThatBeganToMoveMustGoOnMoving) {
  pulse = {Step::kStream, true, now, false, now};
  EXPECT_EQ(LookFor(10min), std::nullopt) << "before the first byte the phone may take its time";
  pulse.bytes_flow = true;
  for (int i = 0; i < 5; ++i) {
    pulse.last_byte = now;
    EXPECT_EQ(LookFor(Spec(Step::kStream).stall), std::nullopt);
  }
  const auto reason = LookFor(1s);
  ASSERT_TRUE(reason);
  EXPECT_EQ(reason->code, ErrorCode::kStepTimeout);
  pulse.bytes_flow = false;  // all of them are through
  EXPECT_EQ(LookFor(5min), std::nullopt);
}

}  // namespace
}  // namespace station::worker
