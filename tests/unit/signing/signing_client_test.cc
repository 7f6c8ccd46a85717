#include <gtest/gtest.h>

#include "station/signing/signing_client.h"
#include "station/signing/ticket_request.h"

namespace station::signing {
namespace {

using plist::Plist;

// An identity with one of each kind of entry the selection rules of restore-protocol 5.3 speak of.
constexpr std::string_view kIdentity = R"(<plist><dict>
<key>ApChipID</key><string>0x8015</string><key>ApBoardID</key><string>0x02</string>
<key>ApSecurityDomain</key><string>0x01</string><key>UniqueBuildID</key><data>AAEC</data>
<key>Info</key><dict><key>DeviceClass</key><string>d20ap</string></dict>
<key>Manifest</key><dict>
 <key>iBEC</key><dict><key>Digest</key><data>AQID</data><key>Trusted</key><true/><key>Info</key><dict><key>Path</key><string>a</string>
  <key>RestoreRequestRules</key><array>
   <dict><key>Conditions</key><dict><key>ApRawProductionMode</key><true/><key>ApRequiresImage4</key><true/></dict>
    <key>Actions</key><dict><key>EPRO</key><true/><key>ESEC</key><integer>255</integer></dict></dict>
   <dict><key>Conditions</key><dict><key>ApDemotionPolicyOverride</key><string>Demote</string></dict>
    <key>Actions</key><dict><key>EPRO</key><false/></dict></dict>
  </array></dict></dict>
 <key>ftap</key><dict><key>Trusted</key><true/><key>Info</key><dict><key>Personalize</key><false/></dict></dict>
 <key>BasebandFirmware</key><dict><key>Info</key><dict><key>Path</key><string>b</string></dict></dict>
 <key>Savage,B0-Prod-Patch</key><dict><key>Digest</key><data>AQID</data><key>Info</key><dict><key>Path</key><string>c</string></dict></dict>
</dict></dict></plist>)";

PhoneIdentity APhone() {
  return {Ecid{0x1234}, 0x8015, 2, std::vector<std::uint8_t>(32, 7),
          std::vector<std::uint8_t>(20, 8)};
}

TEST(TicketRequest, HoldsWhatTheSignerNeedsAndNothingElse) {
  const auto node = Plist::Parse(kIdentity);
  ASSERT_TRUE(node);
  const auto request = BuildApRequest(firmware::Identity(node->Get()), APhone());
  ASSERT_TRUE(request) << request.error().context;
  EXPECT_EQ((*request)["ApECID"].Integer(), 0x1234U);
  EXPECT_EQ((*request)["ApChipID"].Integer(), 0x8015U);
  EXPECT_EQ((*request)["@ApImg4Ticket"].Bool(), true);
  EXPECT_EQ((*request)["SepNonce"].Data()->size(), 20U);
  EXPECT_EQ((*request)["iBEC"]["EPRO"].Bool(), true);
  EXPECT_FALSE((*request)["iBEC"]["ESEC"].Present()) << "255 leaves the key alone";
  EXPECT_FALSE((*request)["iBEC"]["Info"].Present());
  EXPECT_EQ((*request)["ftap"]["Digest"].Data()->size(), 0U)
      << "trusted without digest gets an empty one";
  EXPECT_FALSE((*request)["BasebandFirmware"].Present());
  EXPECT_FALSE((*request)["Savage,B0-Prod-Patch"].Present()) << "neither trusted nor with rules";
}

TEST(TicketRequest, NeedsANonce) {
  const auto node = Plist::Parse(kIdentity);
  PhoneIdentity phone = APhone();
  phone.ap_nonce.clear();
  EXPECT_EQ(BuildApRequest(firmware::Identity(node->Get()), phone).error().code,
            ErrorCode::kRecoveryNonceMissing);
}

struct Answer {
  const char* name;
  const char* body;
  ErrorCode code;
};
void PrintTo(const Answer& row, std::ostream* out) { *out << row.name; }

class RefusedAnswer : public testing::TestWithParam<Answer> {};
TEST_P(RefusedAnswer, IsToldApart) {
  const auto answer = ParseAnswer(GetParam().body);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, GetParam().code) << answer.error().context;
}
INSTANTIATE_TEST_SUITE_P(
    Signing, RefusedAnswer,
    testing::Values(
        Answer{"not_signed",
               "STATUS=94&MESSAGE=This device isn't eligible for the requested build.",
               ErrorCode::kSigningNotSigned},
        Answer{"not_signed_either", "STATUS=69&MESSAGE=no", ErrorCode::kSigningNotSigned},
        Answer{"malformed_request", "STATUS=100&MESSAGE=An internal error occurred.",
               ErrorCode::kSigningMalformed},
        Answer{"login_page", "<html>please log in</html>", ErrorCode::kSigningBadAnswer},
        Answer{"empty", "", ErrorCode::kSigningBadAnswer},
        Answer{"success_without_list",
               "STATUS=0&MESSAGE=SUCCESS&REQUEST_STRING=", ErrorCode::kSigningBadAnswer},
        Answer{"broken_list", "STATUS=0&MESSAGE=SUCCESS&REQUEST_STRING=<?xml <plist><dict>",
               ErrorCode::kSigningBadAnswer}),
    [](const auto& row) { return row.param.name; });

TEST(SigningClient, NobodyThereIsUnreachableAfterBoundedRetries) {
  int pauses = 0;
  const SigningClient client({"http://127.0.0.1:1/", ""}, [&](auto) { return ++pauses < 10; });
  const auto answer = client.Ask(Plist::Dict());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kSigningUnreachable);
  EXPECT_EQ(pauses, 4);
}

TEST(SigningClient, GivesUpWhenTheJobIsCancelled) {
  const SigningClient client({"http://127.0.0.1:1/", ""}, [](auto) { return false; });
  EXPECT_EQ(client.Ask(Plist::Dict()).error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace station::signing
