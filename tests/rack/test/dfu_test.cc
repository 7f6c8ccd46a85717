#include "tests/rack/recovery/dfu.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "tests/rack/recovery/identity.h"
#include "tests/rack/test/signed_images.h"

namespace rack {
namespace {

constexpr std::size_t kBlock = 0x800;
const Bytes kSuffix = {0xFF, 0xFF, 0xFF, 0xFF, 0xAC, 0x05, 0x00, 0x01,
                       0x55, 0x46, 0x44, 0x10, 0xDE, 0xAD, 0xBE, 0xEF};

// A host in front of a phone in DFU mode.
class DfuTest : public testing::Test {
 protected:
  DfuTest() {
    phone_.Change([](PhoneState& state) { state.stage = Stage::kDfu; });
  }

  static PhoneSpec Spec(const std::string& product) {
    return ParseCart("phones: [{port: \"1-1\", product: \"" + product +
                         "\", ecid: \"0xABC\", mode: dfu}]",
                     "", TestProducts())
        ->front();
  }

  bool Download(std::span<const std::uint8_t> block, std::uint16_t number = 0) {
    const auto length = static_cast<std::uint16_t>(block.size());
    return rom_->Control({0x21, 1, number, 0, length}, block).has_value();
  }
  // -1 is a stall.
  int Status() {
    const auto answer = rom_->Control({0xA1, 3, 0, 0, 6}, {});
    return answer && answer->size() == 6 ? (*answer)[4] : -1;
  }
  int State() {
    const auto answer = rom_->Control({0xA1, 5, 0, 0, 1}, {});
    return answer && answer->size() == 1 ? (*answer)[0] : -1;
  }
  bool ClearStatus() { return rom_->Control({0x21, 4, 0, 0, 0}, {}).has_value(); }
  bool Abort() { return rom_->Control({0x21, 6, 0, 0, 0}, {}).has_value(); }

  // As libirecovery does it: the suffix goes with the last block, or after it when it does not fit.
  void Send(const Bytes& image, bool ask_each_block = true) {
    std::uint16_t number = 0;
    for (std::size_t at = 0; at < image.size(); at += kBlock, ++number) {
      const std::size_t size = std::min(kBlock, image.size() - at);
      Bytes block(image.begin() + static_cast<std::ptrdiff_t>(at),
                  image.begin() + static_cast<std::ptrdiff_t>(at + size));
      const bool last = at + size == image.size();
      if (last && size + kSuffix.size() > kBlock) {
        ASSERT_TRUE(Download(block, number));
        block.clear();
      }
      if (last) block.insert(block.end(), kSuffix.begin(), kSuffix.end());
      ASSERT_TRUE(Download(block, number));
      if (ask_each_block) {
        ASSERT_EQ(Status(), 5);
      }
    }
  }
  // The zero-length block, two questions and the port reset.
  void Finish() {
    ASSERT_TRUE(Download({}));
    EXPECT_EQ(Status(), 6);
    EXPECT_EQ(Status(), 7);
    rom_->PortReset();
  }

  std::string_view LastError() const { return Name(phone_.State().last_error.reason); }
  Event NextEvent() { return phone_.NextRequest()->wish.event; }

  Phone phone_{Spec("iPhone10,1"), TestRoot(), ""};
  SignedImages images_{phone_};
  std::unique_ptr<BootRom> rom_ = std::make_unique<BootRom>(phone_);
};

TEST_F(DfuTest, StartsAnIbssAtThePortReset) {
  EXPECT_EQ(State(), 2);
  Send(images_.Image("ibss"));
  EXPECT_EQ(State(), 5);
  Finish();
  EXPECT_EQ(NextEvent(), Event::kRunIbss);
  EXPECT_EQ(LastError(), "none");
  EXPECT_EQ(State(), -1);  // it is on its way
}

TEST_F(DfuTest, NeedsNoQuestionBetweenBlocks) {
  Send(images_.Image("ibss"), /*ask_each_block=*/false);
  EXPECT_EQ(Status(), 5);
  Finish();
  EXPECT_EQ(NextEvent(), Event::kRunIbss);
}

// Ends where the 16 bytes fit exactly, where they do not, and at a block's edge.
class DfuSuffix : public DfuTest, public testing::WithParamInterface<std::size_t> {};

TEST_P(DfuSuffix, IsTakenOffWhereverItFalls) {
  const std::size_t overhead = images_.Image("ibss").size() - 5000;
  images_.Replace("ibss", Bytes(3 * kBlock + GetParam() - overhead, 1));
  const Bytes image = images_.Image("ibss");
  ASSERT_EQ(image.size() % kBlock, GetParam() % kBlock);
  Send(image);
  Finish();
  EXPECT_EQ(NextEvent(), Event::kRunIbss) << phone_.State().last_error.detail;
}

INSTANTIATE_TEST_SUITE_P(Sizes, DfuSuffix,
                         testing::Values(1, kBlock - 17, kBlock - 16, kBlock - 15, kBlock - 1,
                                         kBlock),
                         testing::PrintToStringParamName());

TEST_F(DfuTest, TakesAnImageWithoutSuffixAndOneMoreEmptyBlock) {
  const Bytes image = images_.Image("ibss");
  for (std::size_t at = 0; at < image.size(); at += kBlock)
    EXPECT_TRUE(Download(std::span(image).subspan(at, std::min(kBlock, image.size() - at))));
  EXPECT_TRUE(Download({}));
  EXPECT_EQ(Status(), 6);
  EXPECT_EQ(Status(), 7);
  EXPECT_TRUE(Download({}));  // forced zero-length packet
  EXPECT_EQ(Status(), 8);
  rom_->PortReset();
  EXPECT_EQ(NextEvent(), Event::kRunIbss);
}

TEST_F(DfuTest, ManifestPhaseAsksForThreeSeconds) {
  Send(images_.Image("ibss"));
  ASSERT_TRUE(Download({}));
  ASSERT_EQ(Status(), 6);
  const auto answer = rom_->Control({0xA1, 3, 0, 0, 6}, {});
  EXPECT_EQ(*answer, (Bytes{0, 0xB8, 0x0B, 0, 7, 0}));
}

TEST_F(DfuTest, PortResetBeforeTheEndDropsTheDownload) {
  Send(images_.Image("ibss"));
  ASSERT_TRUE(Download({}));
  EXPECT_EQ(Status(), 6);  // the second question is missing
  rom_->PortReset();
  EXPECT_EQ(LastError(), "refused_order");
  EXPECT_EQ(State(), 2);
  Send(images_.Image("ibss"));  // and the next one is taken
  Finish();
  EXPECT_EQ(NextEvent(), Event::kRunIbss);
}

TEST_F(DfuTest, PortResetWithoutDownloadChangesNothing) {
  rom_->PortReset();
  EXPECT_EQ(State(), 2);
  EXPECT_EQ(LastError(), "none");
}

TEST_F(DfuTest, AbortDropsTheDownload) {
  EXPECT_TRUE(Download(Bytes(100, 1)));
  EXPECT_TRUE(Abort());
  EXPECT_EQ(State(), 2);
  Send(images_.Image("ibss"));
  Finish();
  EXPECT_EQ(NextEvent(), Event::kRunIbss);
}

TEST_F(DfuTest, WhatDoesNotFitTheStateEndsInErrorUntilCleared) {
  const std::vector<std::pair<const char*, std::function<bool()>>> mistakes = {
      {"no data at all", [&] { return Download({}); }},
      {"a block too large", [&] { return Download(Bytes(kBlock + 1)); }},
      {"upload",
       [&] {
         return rom_->Control({0xA1, 2, 0, 0, 0x800}, {}).has_value();
       }},
      {"the trigger of limera1n",
       [&] {
         return rom_->Control({0x21, 2, 0, 0, 0}, {}).has_value();
       }},
      {"data after the end",
       [&] { return Download(Bytes(10)) && Download({}) && Download(Bytes(10)); }},
  };
  for (const auto& [what, mistake] : mistakes) {
    EXPECT_FALSE(mistake()) << what;
    EXPECT_EQ(State(), 10) << what;
    EXPECT_EQ(Status(), 10) << what;
    EXPECT_FALSE(Download(Bytes(10))) << what;
    EXPECT_FALSE(Abort()) << what;
    EXPECT_TRUE(ClearStatus()) << what;
    EXPECT_EQ(State(), 2) << what;
  }
}

TEST_F(DfuTest, KnowsNoCommands) {
  EXPECT_FALSE(rom_->Control({0x40, 0, 0, 0, 0}, AsBytes(std::string("reboot\0", 7))));
  EXPECT_FALSE(rom_->Control({0xC0, 0, 0, 0, 255}, {}));
  EXPECT_FALSE(rom_->Control({0x41, 0, 0, 0, 0}, {}));
  EXPECT_FALSE(rom_->BulkOut(4, Bytes(10)));
  EXPECT_EQ(State(), 2);
}

TEST_F(DfuTest, StaysInDfuWhenItDoesNotBelieveTheImage) {
  Bytes image = images_.Image("ibss");
  image[image.size() / 2] ^= 1U;
  Send(image);
  Finish();
  EXPECT_EQ(NextEvent(), Event::kImageRefused);
  EXPECT_NE(LastError(), "none");
}

TEST_F(DfuTest, TakesNothingButAnIbss) {
  Send(images_.Image("ibec"));
  Finish();
  EXPECT_EQ(NextEvent(), Event::kImageRefused);
  EXPECT_EQ(LastError(), "refused_type");
}

// Hosts take a phone that refused its iBSS for one whose iBSS stays in DFU mode, and send the iBEC.
TEST_F(DfuTest, NamesTheCauseWhenAnIbecFollows) {
  phone_.Change([](PhoneState& state) { state.ap_nonce[0] ^= 1U; });
  Send(images_.Image("ibss"));
  Finish();
  EXPECT_EQ(LastError(), "refused_nonce");
  images_.Sign();
  rom_ = std::make_unique<BootRom>(phone_);
  Send(images_.Image("ibec"));
  Finish();
  EXPECT_EQ(LastError(), "refused_nonce") << phone_.State().last_error.detail;
}

TEST_F(DfuTest, StallsTheTransferThatAFaultNames) {
  ASSERT_TRUE(phone_.SetFault({"refuse-send", "iBEC"}));
  Send(images_.Image("ibss"));
  ASSERT_TRUE(Abort());
  ASSERT_TRUE(phone_.SetFault({"refuse-send", "iBSS"}));
  const Bytes image = images_.Image("ibss");
  EXPECT_FALSE(Download(std::span(image).first(kBlock)));
  EXPECT_EQ(LastError(), "refused_send");
  EXPECT_TRUE(ClearStatus());
  Send(images_.Image("ibss"));  // once
}

TEST(Identity, SerialStringsFitAUsbString) {
  for (const Product& product : TestProducts().All()) {
    PhoneSpec spec = *ParseCart("phones: [{port: \"1-1\", product: \"" + product.type +
                                    "\", board: " + product.board + ", ecid: \"0xABC\"}]",
                                "", TestProducts())
                          ->begin();
    const Phone phone(spec, TestRoot(), "");
    for (const UsbIdentity& identity : {DfuIdentity(phone), RecoveryIdentity(phone)}) {
      EXPECT_LT(identity.serial.size(), 126U) << identity.serial;
      EXPECT_LT(identity.nonces.size(), 126U) << identity.nonces;
      EXPECT_EQ(identity.serial.starts_with("SDOM:01 "), product.generation.shows_domain);
      EXPECT_EQ(identity.serial.find("  "), std::string::npos) << identity.serial;
    }
    EXPECT_EQ(DfuIdentity(phone).serial.find("SRNM"), std::string::npos);
    EXPECT_NE(DfuIdentity(phone).serial.find("SRTG:[iBoot-"), std::string::npos);
    EXPECT_EQ(RecoveryIdentity(phone).serial.find("SRTG"), std::string::npos);
  }
}

// The real strings of the reference data.
TEST(Identity, ReadsLikeARealPhone) {
  PhoneSpec spec = ParseCart("phones: [{port: \"1-1\", product: \"iPhone15,3\", ecid: \"0x1\"}]",
                             "", TestProducts())
                       ->front();
  EXPECT_EQ(DfuIdentity(Phone(spec, TestRoot(), "")).serial,
            "SDOM:01 CPID:8120 CPRV:11 CPFM:03 SCEP:01 BDID:0E ECID:0000000000000001 IBFL:3C "
            "SIKA:00 SRTG:[iBoot-7195.0.0.300.25]");
}

}  // namespace
}  // namespace rack
