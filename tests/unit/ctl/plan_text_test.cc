#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "station/ctl/arm_text.h"
#include "station/ctl/firmware_text.h"
#include "tests/unit/ctl/fake_station.h"

namespace station::ctl {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

v1::ArmTarget* Add(v1::PlanArmResponse& plan, const v1::Port& port) {
  v1::ArmTarget* target = plan.add_targets();
  target->set_port_label(port.label());
  target->set_port_key(port.key());
  *target->mutable_phone() = port.phone();
  target->set_will_wipe(true);
  target->set_firmware_version("15.8 (19H999)");
  return target;
}

v1::PlanArmResponse Plan() {
  v1::PlanArmResponse plan;
  Add(plan, MakePort("A1", v1::PORT_STATE_IDLE));
  v1::ArmTarget* recovery = Add(plan, MakePort("A2", v1::PORT_STATE_IDLE, "iPhone X"));
  recovery->mutable_phone()->clear_os_version();
  recovery->mutable_phone()->clear_os_build();
  recovery->mutable_phone()->set_mode(v1::PHONE_MODE_RECOVERY);
  v1::ArmTarget* spared = Add(plan, MakePort("A3", v1::PORT_STATE_IDLE));
  spared->set_will_wipe(false);
  spared->clear_firmware_version();
  spared->set_error_code(v1::ERROR_CODE_NEVER_WIPE);
  return plan;
}

TEST(PlanTextTest, OneLineForEachPhoneAt80Columns) {
  EXPECT_EQ(
      RenderPlan(Plan(), v1::ACTION_ERASE, {{"A4"}, {"0x00000000000000b1"}}, Screen{.width = 80}),
      R"(These 2 phones will be ERASED, everything on them is lost:
PORT  PHONE     ECID                NOW               THEN
A1    iPhone 8  0x00000000000000A1  14.8 (18H17)      15.8 (19H999)
A2    iPhone X  0x00000000000000A2  in recovery mode  15.8 (19H999)

Not now:
PORT  PHONE     ECID                NOW           THEN
A3    iPhone 8  0x00000000000000A3  14.8 (18H17)
    This phone is on the never-wipe list: take it off the cart, or off the list.

A4 is empty: the next phone plugged in there is wiped too.
0x00000000000000b1 is not here: it is wiped once it is plugged in.
)");
}

TEST(PlanTextTest, OneLineForEachPhoneAt120Columns) {
  EXPECT_THAT(RenderPlan(Plan(), v1::ACTION_ERASE, {}, Screen{.width = 120}),
              HasSubstr("A3    iPhone 8  0x00000000000000A3  14.8 (18H17)        This phone is on "
                        "the never-wipe"));
}

TEST(PlanTextTest, AnUpdateSaysThatDataIsKept) {
  EXPECT_THAT(RenderPlan(Plan(), v1::ACTION_UPDATE, {}, Screen{}),
              HasSubstr("UPDATED, data is kept"));
}

TEST(PlanTextTest, NothingThere) {
  EXPECT_EQ(RenderPlan({}, v1::ACTION_ERASE, {}, Screen{}), "No phone there to be wiped.\n");
  EXPECT_EQ(RenderArmings({}, Screen{}), "Nothing is armed.\n");
}

TEST(FirmwareTextTest, ListAt80Columns) {
  v1::Firmware firmware;
  firmware.set_sha256("0123456789abcdef" + std::string(48, '0'));
  firmware.set_version("15.8");
  firmware.set_build("19H999");
  firmware.set_size(5'600'000'000);
  firmware.set_leases(2);
  firmware.set_pinned(true);
  for (const char* product : {"iPhone10,1", "iPhone10,2", "iPhone10,4", "iPhone10,5"})
    firmware.add_products(product);
  EXPECT_EQ(RenderFirmwareList({firmware}, Screen{.width = 80}),
            R"(VERSION          SIZE  SHA-256       PINNED  IN USE  FOR
15.8 (19H999)  5.6 GB  0123456789ab  yes          2  iPhone10,1 iPhone10,2 iP...
)");
  EXPECT_THAT(RenderFirmwareList({}, Screen{}), HasSubstr("stationctl firmware add"));
}

TEST(FirmwareTextTest, ImportIsOneLine) {
  v1::AddFirmwareResponse response;
  response.set_bytes_done(1'400'000'000);
  response.set_bytes_total(5'600'000'000);
  response.set_bytes_per_second(250e6);
  EXPECT_EQ(RenderImport(response, Screen{.width = 80}),
            "[#######.....................]  25%  1.4/5.6 GB  250 MB/s");
  response.mutable_eta()->set_seconds(17);
  EXPECT_THAT(RenderImport(response, Screen{.width = 80}), EndsWith("  250 MB/s  0:17 left"));
}

TEST(PlanTextTest, ACartThatFits_AndOneThatGoesInWaves) {
  v1::CartFit fit;
  EXPECT_EQ(RenderFit(fit), "");
  fit.set_phones(1);
  fit.set_at_once(1);
  fit.set_waves(1);
  EXPECT_EQ(RenderFit(fit), "This cart fits at once: 1 phone, about 1 minute.\n");
  fit.set_phones(30);
  fit.set_at_once(24);
  fit.set_waves(2);
  fit.mutable_time()->set_seconds(14 * 60 + 20);
  fit.set_binds("endpoints");
  fit.set_binds_of("pci0000:00/0000:00:14.0");
  EXPECT_EQ(RenderFit(fit),
            "This cart fits 24 at once, 30 in 2 waves, about 14 minutes.\n"
            "No more at once because of: USB endpoints (controller pci0000:00/0000:00:14.0).\n");
  fit.set_binds("jobs");
  fit.set_binds_of("");
  EXPECT_THAT(RenderFit(fit), HasSubstr("(jobs.concurrency).\n"));
}

}  // namespace
}  // namespace station::ctl
