#include "scheduler/never_wipe.h"

#include <gtest/gtest.h>

#include "scheduler/holds.h"

namespace station::scheduler {
namespace {

const std::string kOldUdid = "00aabbccddeeff00112233445566778899aabbcc";
const std::string kNewUdid = "00008110-000A1B2C3D4E001E";
constexpr Ecid kEcid{0x000A1B2C3D4E001E};

struct Row {
  const char* name;
  NeverWipeList list;
  Candidate phone;
  Protection expected;
};

Candidate Phone(Ecid ecid, std::string serial, std::string udid) {
  return {.port = {"p:1"},
          .ecid = ecid,
          .serial_number = std::move(serial),
          .udid = std::move(udid),
          .product = {}};
}

class NeverWipe : public testing::TestWithParam<Row> {};

TEST_P(NeverWipe, IsSureOrSaysUnknown) {
  EXPECT_EQ(GetParam().list.Of(GetParam().phone), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    List, NeverWipe,
    testing::Values(
        Row{"EmptyList", {}, Phone(kEcid, "", ""), Protection::kNone},
        Row{"ByEcid", {{kEcid}, {}, {}}, Phone(kEcid, "", ""), Protection::kListed},
        Row{"OtherEcid", {{Ecid{1}}, {}, {}}, Phone(kEcid, "", ""), Protection::kNone},
        Row{"EcidNotKnown", {{Ecid{1}}, {}, {}}, Phone(Ecid{}, "", ""), Protection::kUnknown},
        Row{"BySerial", {{}, {"f2l"}, {}}, Phone(kEcid, "F2L", ""), Protection::kListed},
        Row{"SerialNotTold", {{}, {"F2L"}, {}}, Phone(kEcid, "", ""), Protection::kUnknown},
        Row{"ByUdid",
            {{}, {}, {kNewUdid}},
            Phone(kEcid, "S", "000081100 00A1B2C3D4E001E"),
            Protection::kNone},
        Row{"ByUdidWithoutDash",
            {{}, {}, {kNewUdid}},
            Phone(kEcid, "S", "00008110000a1b2c3d4e001e"),
            Protection::kListed},
        Row{"NewUdidTellsTheEcid",
            {{}, {}, {kNewUdid}},
            Phone(kEcid, "S", ""),
            Protection::kListed},
        Row{"NewUdidOfAnother", {{}, {}, {kNewUdid}}, Phone(Ecid{5}, "S", ""), Protection::kNone},
        Row{"OldUdidNotTold", {{}, {}, {kOldUdid}}, Phone(kEcid, "S", ""), Protection::kUnknown}),
    [](const auto& param) { return param.param.name; });

TEST(HoldReason, NeverWipeWinsOverAll) {
  Circumstances all;
  all.protection = Protection::kListed;
  all.match = Match::kUnknown;
  all.emergency_stop = true;
  all.product_known = false;
  all.firmware = ErrorCode::kFirmwareAbsent;
  EXPECT_EQ(HoldReason(all), ErrorCode::kNeverWipe);
}

TEST(HoldReason, UnknownIsNeverYes) {
  Circumstances unknown;
  unknown.protection = Protection::kUnknown;
  EXPECT_EQ(HoldReason(unknown), ErrorCode::kPhoneIdentityUnreadable);
  Circumstances unmatched;
  unmatched.match = Match::kUnknown;
  EXPECT_EQ(HoldReason(unmatched), ErrorCode::kPhoneIdentityUnreadable);
  Circumstances nameless;
  nameless.ecid_known = false;
  EXPECT_EQ(HoldReason(nameless), ErrorCode::kPhoneIdentityUnreadable);
}

TEST(HoldReason, MissingFirmwareIsSaid_NothingMissingIsNoHold) {
  Circumstances missing;
  missing.firmware = ErrorCode::kFirmwareAbsent;
  EXPECT_EQ(HoldReason(missing), ErrorCode::kFirmwareAbsent);
  EXPECT_EQ(HoldReason({}), std::nullopt);
}

}  // namespace
}  // namespace station::scheduler
