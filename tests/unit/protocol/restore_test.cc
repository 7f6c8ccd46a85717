#include <gtest/gtest.h>

#include "station/restore/device_status.h"
#include "station/restore/restore_options.h"

namespace station::restore {
namespace {

TEST(DeviceStatus, KnownVerdictsHaveTheirOwnCodes) {
  EXPECT_EQ(CodeOfStatus(-1), ErrorCode::kDeviceStatusVerification);
  EXPECT_EQ(CodeOfStatus(0xFFFFFFFF), ErrorCode::kDeviceStatusVerification);
  EXPECT_EQ(CodeOfStatus(6), ErrorCode::kDeviceStatusDisk);
  EXPECT_EQ(CodeOfStatus(53), ErrorCode::kDeviceStatusFdr);
  EXPECT_EQ(CodeOfStatus(1015), ErrorCode::kDeviceStatusBaseband);
  EXPECT_EQ(CodeOfStatus(4711), ErrorCode::kDeviceStatus);
}

TEST(RestoreOptions, AnnounceAHostThatCurrentPhonesAccept) {
  const auto node = plist::Plist::Parse(std::string_view(
      "<plist><dict><key>Info</key><dict><key>SystemPartitionPadding</key><dict><key>64</key><integer>640</integer></dict></dict>"
      "<key>Manifest</key><dict><key>SEP</key><dict><key>Info</key><dict><key>RequiredCapacity</key><string>0x10</string></dict></dict></dict></dict></plist>"));
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
