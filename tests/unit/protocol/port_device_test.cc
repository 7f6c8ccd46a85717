#include "station/usb/port_device.h"

#include <gtest/gtest.h>

namespace station::usb {
namespace {

TEST(SerialString, TokensAreReadWhateverTheirOrder) {
  const std::string serial = "SDOM:01 CPID:8015 CPRV:11 BDID:02 ECID:000A1B2C3D4E5F60 IBFL:3C SRNM:[F00000000001]";
  EXPECT_EQ(SerialToken(serial, "ECID"), "000A1B2C3D4E5F60");
  EXPECT_EQ(SerialToken(serial, "SRNM"), "F00000000001");
  EXPECT_EQ(SerialToken(serial, "PID"), std::nullopt) << "a key is a whole token, not the end of one";
  EXPECT_EQ(SerialToken("", "ECID"), std::nullopt);
}

TEST(Mode, FollowsTheProductId) {
  EXPECT_EQ(ModeOf(0x1227), PhoneMode::kDfu);
  EXPECT_EQ(ModeOf(0x1281), PhoneMode::kRecovery);
  EXPECT_EQ(ModeOf(0x12A8), PhoneMode::kNormal);
  EXPECT_EQ(ModeOf(0x8600), PhoneMode::kNone);
}

}  // namespace
}  // namespace station::usb
