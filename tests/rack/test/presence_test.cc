#include "tests/rack/control/presence.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/rack/test/keys.h"

namespace rack {
namespace {

class PresenceTest : public testing::Test {
 protected:
  static PhoneSpec Spec() {
    PhoneSpec spec =
        ParseCart(
            "phones: [{port: \"1-1\", product: \"iPhone10,1\", ecid: \"0x1\", mode: recovery, "
            "timing: {leave: 0, gap: 0, restore_boot: 0, finish: 0}}]",
            "", TestProducts())
            ->front();
    return spec;
  }
  static std::string MakeFolder() {
    std::string pattern = "/tmp/rackp-XXXXXX";
    return mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string folder_ = MakeFolder();
  UsbBus bus_{folder_};
  MuxDevices devices_;
  Phone phone_{Spec(), TestRoot(), ""};
};

TEST_F(PresenceTest, WhatAHostAskedForEndsWithItsBoot) {
  Presence presence(phone_, bus_, devices_);
  const std::uint64_t boot = phone_.State().boot_number;
  const Bytes nonce = phone_.State().ap_nonce;
  phone_.Ask(Event::kReboot, boot).wait();
  EXPECT_EQ(phone_.State().stage, Stage::kIboot);
  EXPECT_NE(phone_.State().ap_nonce, nonce);
  phone_.Ask(Event::kRunIbec, boot).wait();  // verified against the nonce of the boot before
  EXPECT_EQ(phone_.State().stage, Stage::kIboot);
  phone_.Ask(Event::kRunIbec, phone_.State().boot_number).wait();
  EXPECT_EQ(phone_.State().stage, Stage::kIbec);
}

TEST_F(PresenceTest, NoncesStayFromIbootToTheKernelAndChangeWithARestart) {
  Presence presence(phone_, bus_, devices_);
  const Bytes nonce = phone_.State().ap_nonce;
  phone_.Ask(Event::kRunIbec, phone_.State().boot_number).wait();
  EXPECT_EQ(phone_.State().ap_nonce, nonce);
  phone_.Ask(Event::kRunKernel, phone_.State().boot_number).wait();
  EXPECT_EQ(phone_.State().stage, Stage::kRestore);
  EXPECT_EQ(phone_.State().ap_nonce, nonce);
  EXPECT_EQ(devices_.List().size(), 1U);
  phone_.Ask(Event::kRestoreFailed, phone_.State().boot_number).wait();
  EXPECT_EQ(phone_.State().stage, Stage::kIboot);
  EXPECT_NE(phone_.State().ap_nonce, nonce);
  EXPECT_TRUE(devices_.List().empty());
}

TEST_F(PresenceTest, NoncesShownInNormalModeHoldInRecovery) {
  phone_.Change([](PhoneState& state) { state.stage = Stage::kNormal; });
  Presence presence(phone_, bus_, devices_);
  const Bytes nonce = phone_.State().ap_nonce;
  phone_.Ask(Event::kEnterRecovery, phone_.State().boot_number).wait();
  EXPECT_EQ(phone_.State().stage, Stage::kIboot);
  EXPECT_EQ(phone_.State().ap_nonce, nonce);
}

TEST_F(PresenceTest, UnpluggedPhoneGoesOnWithoutItsHost) {
  Presence presence(phone_, bus_, devices_);
  phone_.Ask(Event::kRunIbec, phone_.State().boot_number).wait();
  phone_.Ask(Event::kRunKernel, phone_.State().boot_number).wait();
  phone_.Ask(Phone::Wish::Kind::kUnplug).wait();
  EXPECT_TRUE(devices_.List().empty());
  phone_.Ask(Event::kRestoreFailed, phone_.State().boot_number).wait();
  EXPECT_EQ(phone_.State().stage, Stage::kIboot);
  phone_.Ask(Phone::Wish::Kind::kPlug).wait();
  EXPECT_TRUE(phone_.State().plugged);
}

}  // namespace
}  // namespace rack
