#include <gtest/gtest.h>

#include "station/restore/device_status.h"
#include "station/restore/restore_options.h"

namespace station::restore {
namespace {

TEST(DeviceStatus, KnownVerdictsHaveTheirOwnCodes) {
  EXPECT_EQ(CodeOfStatus(-1), ErrorCode::kDeviceStatusVerification);
  EXPECT_EQ(CodeOfStatus(0xFFFFFFFF), ErrorCode::kDeviceStatusVerification);
  EXPECT_EQ(CodeOfStatus(6), ErrorCode::kDeviceStatusDisk);
  EXPECT_EQ(CodeOfStatus(14), ErrorCode::kDeviceStatus);
  EXPECT_EQ(CodeOfStatus(27), ErrorCode::kDeviceStatusMount);
  EXPECT_EQ(CodeOfStatus(50), ErrorCode::kDeviceStatusSep);
  EXPECT_EQ(CodeOfStatus(51), ErrorCode::kDeviceStatusSep);
  EXPECT_EQ(CodeOfStatus(53), ErrorCode::kDeviceStatusFdr);
  EXPECT_EQ(CodeOfStatus(1015), ErrorCode::kDeviceStatusBaseband);
  EXPECT_EQ(CodeOfStatus(4711), ErrorCode::kDeviceStatus);
}

plist::Plist Checkpoint(std::uint64_t id, const std::string& name, std::uint64_t result,
                        const std::string& error = "") {
  plist::Plist message = plist::Plist::Dict();
  message.Set("CHECKPOINT_ID", plist::Plist::Integer(id))
      .Set("CHECKPOINT_NAME", plist::Plist::String(name));
  message.Set("CHECKPOINT_RESULT", plist::Plist::Integer(result));
  if (!error.empty()) message.Set("CHECKPOINT_ERROR", plist::Plist::String(error));
  return message;
}

struct Failed {
  const char* name;
  std::uint64_t id;
  ErrorCode code;
};
void PrintTo(const Failed& row, std::ostream* out) { *out << row.name; }
class FailedCheckpoint : public testing::TestWithParam<Failed> {};
TEST_P(FailedCheckpoint, GivesAGeneralFailureItsCause) {
  PhoneVerdict verdict;
  ASSERT_TRUE(verdict.OnCheckpoint(Checkpoint(0x634, "fdr_recover", 1).Get()))
      << "noise: the phone goes on";
  ASSERT_TRUE(verdict.OnCheckpoint(
      Checkpoint(GetParam().id, GetParam().name, static_cast<std::uint64_t>(-1), "why").Get()));
  ASSERT_TRUE(verdict.OnCheckpoint(Checkpoint(0x67B, "perform_restore_installing", 1).Get()));
  ASSERT_TRUE(verdict.OnCheckpoint(Checkpoint(0x67C, "cleanup_boot_command", 0).Get()));
  const Error error = verdict.OnFailure(14, 0, "");
  EXPECT_EQ(error.code, GetParam().code) << error.context;
  EXPECT_NE(error.context.find("why"), std::string::npos);
}
INSTANTIATE_TEST_SUITE_P(
    Phone, FailedCheckpoint,
    testing::Values(Failed{"update_ticket", 0x60B, ErrorCode::kDeviceStatusTicket},
                    Failed{"load_sep_os", 0x609, ErrorCode::kDeviceStatusSep},
                    Failed{"format_media", 0x658, ErrorCode::kDeviceStatusDisk},
                    Failed{"mount_system_partition", 0x614, ErrorCode::kDeviceStatusMount},
                    Failed{"restore_system_image", 0x65B, ErrorCode::kDeviceStatusImage},
                    Failed{"install_splat", 0x6A6, ErrorCode::kDeviceStatusImage},
                    Failed{"update_baseband", 0x131B, ErrorCode::kDeviceStatusBaseband},
                    Failed{"await_update_se", 0x132F, ErrorCode::kDeviceStatusUpdater},
                    Failed{"with_garbage_above", 0x1600000609, ErrorCode::kDeviceStatusSep}),
    [](const auto& row) { return row.param.name; });

TEST(PhoneVerdict, FactoryDataIsTheCauseOnlyWhenNothingElseIs) {
  PhoneVerdict verdict;
  ASSERT_TRUE(verdict.OnCheckpoint(Checkpoint(0x634, "fdr_recover", 1).Get()));
  EXPECT_EQ(verdict.OnFailure(14, 0, "").code, ErrorCode::kDeviceStatusFdr);
  EXPECT_EQ(verdict.OnFailure(1015, 0, "").code, ErrorCode::kDeviceStatusBaseband)
      << "the phone's own number comes first";
}

TEST(PhoneVerdict, AmrErrorSpeaksWhereTheStatusDoesNot) {
  const PhoneVerdict verdict;
  EXPECT_EQ(verdict.OnFailure(14, 53, "").code, ErrorCode::kDeviceStatusFdr);
  EXPECT_EQ(verdict.OnFailure(0, 6, "").code, ErrorCode::kDeviceStatusDisk);
  EXPECT_EQ(verdict.OnFailure(14, 100, "").code, ErrorCode::kDeviceStatus);
}

// iOS 18 and later refuse an old host before anything is erased (6.3, 6.10).
TEST(PhoneVerdict, HostTooOldEndsAtOnce) {
  PhoneVerdict verdict;
  const auto by_id = verdict.OnCheckpoint(Checkpoint(0x655, "is_host_compatible", 1).Get());
  ASSERT_FALSE(by_id);
  EXPECT_EQ(by_id.error().code, ErrorCode::kHostTooOld);
  const auto by_text = verdict.OnCheckpoint(
      Checkpoint(0x648, "cleanup_send_final_status", 0, "[0]D(This host version is unsupported)")
          .Get());
  ASSERT_FALSE(by_text);
  EXPECT_EQ(by_text.error().code, ErrorCode::kHostTooOld);
  EXPECT_EQ(PhoneVerdict().OnFailure(14, 0, "ramrod: This host version is unsupported").code,
            ErrorCode::kHostTooOld);
}

TEST(RestoreOptions, TellWhatThePhoneSaidOfItsBaseband_AndOfTheRecoverySystem) {
  const auto node = plist::Plist::Parse(std::string_view(
      "<plist><dict><key>Info</key><dict/><key>Manifest</key><dict/></dict></plist>"));
  const auto preflight = plist::Plist::Parse(
      std::string_view("<plist><dict><key>Nonce</key><data>AQID</data><key>CertID</key><integer>3</"
                       "integer><key>FusingStatus</key><integer>1</integer>"
                       "<key>PkHash</key><data>AQ==</data></dict></plist>"));
  ASSERT_TRUE(node && preflight);
  const auto options = BuildRestoreOptions(firmware::Identity(node->Get()), preflight->Get(),
                                           RecoverySystemRoom{"Recovery Customer", 400, 500});
  EXPECT_EQ(options["BBUpdaterState"].Size(), 2U);
  EXPECT_EQ(options["BasebandNonce"].Data()->size(), 3U);
  EXPECT_EQ(options["InstallRecoveryOS"].Bool(), true);
  EXPECT_EQ(options["recoveryOSPartitionSize"].Integer(), 400U);
  EXPECT_EQ(options["SystemPartitionPadding"]["768"].Integer(), 1280U);
  const auto plain = BuildRestoreOptions(firmware::Identity(node->Get()));
  EXPECT_FALSE(plain["BBUpdaterState"].Present());
  EXPECT_FALSE(plain["InstallRecoveryOS"].Present());
}

TEST(RestoreOptions, AnnounceAHostThatCurrentPhonesAccept) {
  const auto node = plist::Plist::Parse(std::string_view(
      "<plist><dict><key>Info</key><dict><key>SystemPartitionPadding</key><dict><key>64</"
      "key><integer>640</integer></dict></dict>"
      "<key>Manifest</key><dict><key>SEP</key><dict><key>Info</key><dict><key>RequiredCapacity</"
      "key><string>0x10</string></dict></dict></dict></dict></plist>"));
  ASSERT_TRUE(node);
  const auto options = BuildRestoreOptions(firmware::Identity(node->Get()));
  EXPECT_TRUE(options["SupportedDataTypes"]["SystemImageData"].IsBool());
  EXPECT_TRUE(options["SupportedMessageTypes"]["StatusMsg"].IsBool());
  EXPECT_EQ(options["HostHasFixFor99053849"].Bool(), true);  // iOS 18 refuses hosts without it
  EXPECT_EQ(options["TZ0RequiredCapacity"].String(), "0x10");
  EXPECT_EQ(options["SystemPartitionPadding"].Size(), 1U);
  EXPECT_EQ(options["RestoreBootArgs"].String(), kRestoreBootArgs);
}

}  // namespace
}  // namespace station::restore
