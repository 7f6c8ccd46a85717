// One rung higher after each failure.

#include "scheduler/ladder.h"

#include <gtest/gtest.h>

#include <vector>

namespace station::scheduler {
namespace {

std::vector<Rung> Climb(ErrorCode code, const Means& means) {
  std::vector<Rung> rungs;
  for (int attempt = 1; attempt < 10; ++attempt) {
    rungs.push_back(NextRung(code, attempt, means));
    if (rungs.back() == Rung::kQuarantine) break;
  }
  return rungs;
}

struct Row {
  const char* name;
  ErrorCode code;
  Means means;
  std::vector<Rung> rungs;
};

TEST(Ladder, FromTheCodeAndTheMeans) {
  using enum Rung;
  const std::vector<Row> rows = {
      {"cable", ErrorCode::kAsrTransfer, {}, {kAgain, kUsbReset, kPortPower, kQuarantine}},
      {"hub without port power",
       ErrorCode::kRecoveryUpload,
       {.port_power = false},
       {kAgain, kUsbReset, kQuarantine}},
      {"usbmuxd",
       ErrorCode::kMuxUnreachable,
       {.mux_restart = true},
       {kAgain, kMuxRestart, kAgain, kQuarantine}},
      {"usbmuxd, others at work", ErrorCode::kMuxUnreachable, {}, {kAgain, kAgain, kQuarantine}},
      {"silent in restore mode",
       ErrorCode::kRestoredUnreachable,
       {.mux_restart = true},
       {kAgain, kMuxRestart, kQuarantine}},
      {"once", ErrorCode::kBootRejected, {}, {kAgain, kQuarantine}},
      {"signer busy", ErrorCode::kSigningBusy, {}, {kAgain, kAgain, kQuarantine}},
      {"the operator's", ErrorCode::kNeverWipe, {}, {kQuarantine}},
      {"waited long enough", ErrorCode::kNoReconnect, {}, {kQuarantine}},
  };
  for (const Row& row : rows) EXPECT_EQ(Climb(row.code, row.means), row.rungs) << row.name;
}

TEST(Ladder, EveryLadderEnds) {
  for (const ErrorInfo& info : AllErrorCodes()) {
    const auto rungs = Climb(info.code, {.port_power = true, .mux_restart = true});
    EXPECT_EQ(rungs.back(), Rung::kQuarantine) << info.name;
    EXPECT_EQ(rungs.size(), static_cast<std::size_t>(AutomaticRetries(info.code)) + 1) << info.name;
  }
}

}  // namespace
}  // namespace station::scheduler
