// The conversation about the stashbag, message by message (restore-protocol 1.7).

#include "station/device/preboard.h"

#include <gtest/gtest.h>

#include "firmware_world.h"

namespace station::device {
namespace {

using plist::Plist;

// Messages in order; "-" is a second of silence, and silence follows the last.
ReceiveMessage Script(std::vector<std::string> lines, int* looks = nullptr) {
  return [lines = std::move(lines), at = std::size_t{0},
          looks](std::chrono::milliseconds) mutable -> Result<Plist> {
    if (looks != nullptr) ++*looks;
    if (at == lines.size() || lines[at] == "-") {
      if (at < lines.size()) ++at;
      return Fail(ErrorCode::kDeviceSilent, "nothing");
    }
    if (lines[at] == "gone") return Fail(ErrorCode::kPhoneGone, "gone");
    return restore::testing::ParseXml("<plist><dict>" + lines[at++] + "</dict></plist>");
  };
}
std::string Flag(const std::string& key) { return "<key>" + key + "</key><true/>"; }

class PreboardTest : public ::testing::Test {
 protected:
  Result<Stashbag> Create(const ReceiveMessage& receive) {
    StashbagEvents events;
    events.asks_for_passcode = [this] { said_ += "ask "; };
    events.stops_asking = [this] { said_ += "stop "; };
    return FollowCreation(receive, events, control_);
  }
  restore::testing::FreeRun control_;
  std::string said_;
};

TEST_F(PreboardTest, PasscodeIsEntered) {
  const auto made = Create(Script({"-", Flag("ShowDialog"), "-", "-", Flag("HideDialog")}));
  ASSERT_TRUE(made) << made.error().context;
  EXPECT_EQ(*made, Stashbag::kCreated);
  EXPECT_EQ(said_, "ask stop ");
}

TEST_F(PreboardTest, NotNeeded) {
  const auto made = Create(Script({Flag("Skip")}));
  ASSERT_TRUE(made);
  EXPECT_EQ(*made, Stashbag::kNotNeeded);
  EXPECT_EQ(said_, "");
}

struct Failure {
  const char* name;
  std::vector<std::string> lines;
  ErrorCode code;
};
void PrintTo(const Failure& row, std::ostream* out) { *out << row.name; }
class CreationFails : public PreboardTest, public ::testing::WithParamInterface<Failure> {};
TEST_P(CreationFails, WithItsReason) {
  const auto made = Create(Script(GetParam().lines));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, GetParam().code) << made.error().context;
}
const std::string kDeclined =
    "<key>Error</key><integer>1</integer><key>ErrorString</key><string>declined</string>";
INSTANTIATE_TEST_SUITE_P(
    Preboard, CreationFails,
    ::testing::Values(
        Failure{"phone_gives_up",
                {Flag("ShowDialog"), Flag("Timeout"), Flag("HideDialog")},
                ErrorCode::kStashbagNotEntered},
        Failure{"owner_declines", {Flag("ShowDialog"), kDeclined}, ErrorCode::kStashbagNotEntered},
        Failure{"phone_cannot", {kDeclined}, ErrorCode::kStashbagFailed},
        Failure{"silence", {}, ErrorCode::kStashbagNotEntered},
        Failure{"unplugged", {Flag("ShowDialog"), "gone"}, ErrorCode::kStashbagFailed}),
    [](const auto& row) { return row.param.name; });

TEST_F(PreboardTest, WaitIsBounded) {
  int looks = 0;
  EXPECT_FALSE(Create(Script({}, &looks)));
  EXPECT_EQ(looks, 130);
}

TEST_F(PreboardTest, Commit) {
  EXPECT_TRUE(FollowCommit(Script({"-", Flag("StashbagCommitComplete")}), control_));
  EXPECT_EQ(
      FollowCommit(Script({"<key>StashbagCommitComplete</key><false/>" + kDeclined}), control_)
          .error()
          .code,
      ErrorCode::kStashbagFailed);
  int looks = 0;
  EXPECT_EQ(FollowCommit(Script({}, &looks), control_).error().code, ErrorCode::kStashbagFailed);
  EXPECT_EQ(looks, 30);
}

}  // namespace
}  // namespace station::device
