#include "tests/rack/control/presence.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <thread>

#include "tests/rack/restore/nor.h"
#include "tests/rack/test/keys.h"
#include "tests/rack/usb/usb_bus.h"

namespace rack {
namespace {

class PresenceTest : public testing::Test {
 protected:
  static PhoneSpec Spec(const std::string& flash = "0") {
    return ParseCart(
               "phones: [{port: \"1-1\", product: \"iPhone10,1\", ecid: \"0x1\", mode: recovery, "
               "timing: {leave: 0, gap: 0, restore_boot: 0, finish: 0, flash: " +
                   flash + "}}]",
               "", TestProducts())
        ->front();
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
  Presence presence(phone_, Host{bus_, &devices_});
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
  Presence presence(phone_, Host{bus_, &devices_});
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

TEST_F(PresenceTest, NoncesHoldFromTheBootRomToTheKernelUnlessTheIbssDrawsItsOwn) {
  for (const bool changes : {false, true}) {
    PhoneSpec spec = Spec();
    spec.mode = StartMode::kDfu;
    spec.dfu_nonce_changes = changes;
    Phone phone(spec, TestRoot(), "");
    Presence presence(phone, Host{bus_, &devices_});
    const Bytes rom_nonce = phone.State().ap_nonce;
    const Bytes sep_nonce = phone.State().sep_nonce;
    phone.Ask(Event::kRunIbss, phone.State().boot_number).wait();
    EXPECT_EQ(phone.State().stage, Stage::kIbss);
    EXPECT_EQ(phone.State().ap_nonce != rom_nonce, changes);
    const Bytes nonce = phone.State().ap_nonce;
    phone.Ask(Event::kRunIbec, phone.State().boot_number).wait();
    EXPECT_EQ(phone.State().stage, Stage::kIbec);
    EXPECT_EQ(phone.State().ap_nonce, nonce);
    EXPECT_EQ(phone.State().sep_nonce, sep_nonce);
  }
}

TEST_F(PresenceTest, RefusedImageLeavesTheSameDfuModeAndANewOneIsEnteredWithNewNonces) {
  phone_.Change([](PhoneState& state) { state.stage = Stage::kDfu; });
  Presence presence(phone_, Host{bus_, &devices_});
  const PhoneState before = phone_.State();
  phone_.Ask(Event::kImageRefused, before.boot_number).wait();
  EXPECT_EQ(phone_.State().stage, Stage::kDfu);
  EXPECT_EQ(phone_.State().ap_nonce, before.ap_nonce);
  EXPECT_GT(phone_.State().boot_number, before.boot_number);
  phone_.Ask(Event::kHoldForDfu, 0).wait();
  EXPECT_EQ(phone_.State().stage, Stage::kDfu);
  EXPECT_NE(phone_.State().ap_nonce, before.ap_nonce);
}

TEST_F(PresenceTest, NoncesShownInNormalModeHoldInRecovery) {
  phone_.Change([](PhoneState& state) { state.stage = Stage::kNormal; });
  Presence presence(phone_, Host{bus_, &devices_});
  const Bytes nonce = phone_.State().ap_nonce;
  phone_.Ask(Event::kEnterRecovery, phone_.State().boot_number).wait();
  EXPECT_EQ(phone_.State().stage, Stage::kIboot);
  EXPECT_EQ(phone_.State().ap_nonce, nonce);
}

// A phone in restore mode, about to write its boot firmware.
class FlashTest : public PresenceTest {
 protected:
  FlashTest() {
    phone_.Change([](PhoneState& state) { state.stage = Stage::kRestore; });
    slow_.Change([](PhoneState& state) { state.stage = Stage::kRestore; });
  }
  static const Ticket& Signed() {
    static const Bytes bytes = TestSigner().Sign(
        Value::Dict{{"ApECID", std::uint64_t{1}},
                    {"ApNonce", Bytes(32)},
                    {"iBoot", Value::Dict{{"Digest", Bytes(48, 7)}, {"Trusted", true}}}});
    static const Ticket ticket = ReadTicket(bytes).value();
    return ticket;
  }

  Phone slow_{Spec("60"), TestRoot(), ""};
};

TEST_F(FlashTest, WholeFlashIsOnRecord) {
  Attachment attachment;
  EXPECT_TRUE(FlashNor(phone_, attachment, Signed(), {"ibot"}));
  EXPECT_TRUE(phone_.State().nor_complete);
  EXPECT_EQ(phone_.State().firmware.at("ibot"), station::ToHex(Bytes(48, 7)));
}

struct Loss {
  const char* name;
  Phone::Wish wish;
};
void PrintTo(const Loss& row, std::ostream* out) { *out << row.name; }

class CutFlash : public FlashTest, public testing::WithParamInterface<Loss> {};

TEST_P(CutFlash, LeavesNothingButDfu) {
  Presence presence(slow_, Host{bus_, &devices_});
  const auto attachment = devices_.List().front().attachment;
  auto writing = std::async(std::launch::async,
                            [&] { return FlashNor(slow_, *attachment, Signed(), {"ibot"}); });
  while (slow_.State().nor_complete) std::this_thread::yield();
  const std::uint64_t boot = slow_.State().boot_number;
  slow_.Ask(GetParam().wish).wait();
  EXPECT_FALSE(writing.get());
  slow_.Ask(Event::kRestoreFailed, boot).wait();
  slow_.Ask(Event::kPowerOn, 0).wait();
  EXPECT_EQ(slow_.State().stage, Stage::kDfu);
  EXPECT_FALSE(slow_.State().nor_complete);
  EXPECT_TRUE(slow_.State().firmware.empty());
  slow_.Ask(Event::kHoldForRecovery, 0).wait();
  EXPECT_EQ(slow_.State().stage, Stage::kDfu);  // there is no iBoot to start
}

INSTANTIATE_TEST_SUITE_P(Table, CutFlash,
                         testing::Values(Loss{"Cable", {.kind = Phone::Wish::Kind::kUnplug}},
                                         Loss{"Power", {.event = Event::kPowerOff}},
                                         Loss{"Restart", {.event = Event::kHoldForRestart}}),
                         [](const auto& row) { return row.param.name; });

TEST_F(PresenceTest, UnpluggedPhoneGoesOnWithoutItsHost) {
  Presence presence(phone_, Host{bus_, &devices_});
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
