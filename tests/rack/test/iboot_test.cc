#include "tests/rack/recovery/iboot.h"

#include <gtest/gtest.h>

#include "tests/rack/test/signed_images.h"

namespace rack {
namespace {

// A host that knows one phone and can talk to whatever iBoot it runs.
class IbootTest : public testing::Test {
 protected:
  IbootTest() {
    phone_.Change([](PhoneState& state) { state.stage = Stage::kIboot; });
  }

  static PhoneSpec Spec() {
    return ParseCart(
               "phones: [{port: \"1-1\", product: \"iPhone10,1\", ecid: \"0xABC\", mode: "
               "recovery}]",
               "", TestProducts())
        ->front();
  }

  static bool Command(Iboot& iboot, const std::string& text) {
    return iboot.Control({0x40, 0, 0, 0, 0}, AsBytes(text + '\0')).has_value();
  }

  // An empty type sends nothing.
  bool Send(Iboot& iboot, const std::string& type, const std::string& command) {
    if (!type.empty()) {
      const Bytes img4 = images_.Image(type);
      EXPECT_TRUE(iboot.Control({0x41, 0, 0, 0, 0}, {}).has_value());
      EXPECT_TRUE(iboot.BulkOut(4, std::span(img4).first(100)));
      EXPECT_TRUE(iboot.BulkOut(4, std::span(img4).subspan(100)));
      EXPECT_TRUE(iboot.BulkOut(4, {}));  // a zero-length packet changes nothing
    }
    return Command(iboot, command);
  }

  // iBEC as it stands after a good `go`.
  Iboot RunIbec() {
    Iboot iboot(phone_, Stage::kIboot);
    EXPECT_TRUE(Send(iboot, "ibec", "go"));
    return Iboot(phone_, Stage::kIbec);
  }

  std::string_view LastError() const { return Name(phone_.State().last_error.reason); }
  Event NextEvent() { return phone_.NextRequest()->wish.event; }

  Phone phone_{Spec(), TestRoot(), ""};
  SignedImages images_{phone_};
};

TEST_F(IbootTest, BootsARestoreGivenInOrder) {
  Iboot ibec = RunIbec();
  EXPECT_EQ(NextEvent(), Event::kRunIbec);
  EXPECT_TRUE(Send(ibec, "rlgo", "setpicture 4"));
  EXPECT_TRUE(Send(ibec, "rtsc", "firmware"));
  EXPECT_TRUE(Send(ibec, "rdsk", "ramdisk"));
  EXPECT_TRUE(Send(ibec, "rdtr", "devicetree"));
  EXPECT_TRUE(Command(ibec, "setenv boot-args rd=md0 nand-enable-reformat=1 -progress"));
  EXPECT_TRUE(Send(ibec, "rkrn", "bootx"));
  EXPECT_EQ(NextEvent(), Event::kRunKernel);
  EXPECT_EQ(LastError(), "none");
}

TEST_F(IbootTest, ResultOfGetenvDoesNotDisturbAnUpload) {
  Iboot ibec = RunIbec();
  EXPECT_TRUE(Send(ibec, "rdsk", "getenv ramdisk-delay"));
  const auto answer = ibec.Control({0xC0, 0, 0, 0, 255}, {});
  ASSERT_TRUE(answer);
  EXPECT_EQ(AsText(*answer), std::string_view("2000\0", 5));
  EXPECT_TRUE(Command(ibec, "ramdisk"));
  EXPECT_TRUE(Command(ibec, "getenv no-such-variable"));
  EXPECT_EQ(ibec.Control({0xC0, 0, 0, 0, 255}, {})->size(), 1U);
}

struct Skipped {
  const char* name;
  const char* left_out;  // this step of the boot
};
void PrintTo(const Skipped& row, std::ostream* out) { *out << row.name; }

class BootOrder : public IbootTest, public testing::WithParamInterface<Skipped> {};

TEST_P(BootOrder, NothingMayBeLeftOut) {
  Iboot ibec = RunIbec();
  (void)NextEvent();
  const std::string left_out = GetParam().left_out;
  for (const auto& [type, command] :
       {std::pair("rtsc", "firmware"), std::pair("rdsk", "ramdisk"),
        std::pair("rdtr", "devicetree"), std::pair("", "setenv boot-args rd=md0")})
    EXPECT_TRUE(left_out == command || Send(ibec, type, command));
  EXPECT_FALSE(Send(ibec, "rkrn", "bootx"));
  EXPECT_EQ(LastError(), "refused_order");
}

INSTANTIATE_TEST_SUITE_P(Table, BootOrder,
                         testing::Values(Skipped{"TrustCache", "firmware"},
                                         Skipped{"Ramdisk", "ramdisk"},
                                         Skipped{"DeviceTree", "devicetree"},
                                         Skipped{"BootArguments", "setenv boot-args rd=md0"}),
                         [](const auto& row) { return row.param.name; });

TEST_F(IbootTest, LoadsNothingBeforeIbecRuns) {
  Iboot iboot(phone_, Stage::kIboot);
  for (const auto& [type, command] : {std::pair("rdsk", "ramdisk"), std::pair("rdtr", "devicetree"),
                                      std::pair("rtsc", "firmware"), std::pair("rkrn", "bootx")}) {
    EXPECT_FALSE(Send(iboot, type, command)) << command;
    EXPECT_EQ(LastError(), "refused_order") << command;
  }
}

TEST_F(IbootTest, EachCommandTakesItsOwnTypeOnly) {
  Iboot ibec = RunIbec();
  for (const auto& [type, command] :
       {std::pair("rdtr", "ramdisk"), std::pair("rdsk", "devicetree"),
        std::pair("rdsk", "firmware"), std::pair("rdsk", "bootx"),
        std::pair("rdsk", "setpicture 4"), std::pair("rdsk", "rsepfirmware")}) {
    EXPECT_FALSE(Send(ibec, type, command)) << command;
    EXPECT_EQ(LastError(), "refused_type") << command;
  }
}

TEST_F(IbootTest, RefusesASecondTicketInOneBoot) {
  Iboot ibec = RunIbec();
  images_.Sign();  // as good as the first, but another: the server nonce differs
  EXPECT_FALSE(Send(ibec, "rdsk", "ramdisk"));
  EXPECT_EQ(LastError(), "refused_mixed_tickets");
}

TEST_F(IbootTest, PanicsOnARamdiskThatWasNotForged) {
  images_.Replace("rdsk", Bytes(500, 9));
  Iboot ibec = RunIbec();
  EXPECT_EQ(NextEvent(), Event::kRunIbec);
  EXPECT_TRUE(Send(ibec, "rtsc", "firmware"));
  EXPECT_TRUE(Send(ibec, "rdsk", "ramdisk"));
  EXPECT_TRUE(Send(ibec, "rdtr", "devicetree"));
  EXPECT_TRUE(Command(ibec, "setenv boot-args rd=md0"));
  EXPECT_TRUE(Send(ibec, "rkrn", "bootx"));
  EXPECT_EQ(NextEvent(), Event::kPanic);
  EXPECT_EQ(LastError(), "refused_foreign_ramdisk");
}

TEST_F(IbootTest, IbssIsStageOneAndRunsNothingButAnIbec) {
  Iboot ibss(phone_, Stage::kIbss);
  EXPECT_TRUE(Command(ibss, "getenv boot-stage"));
  EXPECT_EQ(AsText(*ibss.Control({0xC0, 0, 0, 0, 255}, {})), std::string_view("1\0", 2));
  for (const auto& [type, command] : {std::pair("rdsk", "ramdisk"), std::pair("rdtr", "devicetree"),
                                      std::pair("rtsc", "firmware"), std::pair("rkrn", "bootx")}) {
    EXPECT_FALSE(Send(ibss, type, command)) << command;
    EXPECT_EQ(LastError(), "refused_order") << command;
  }
  EXPECT_FALSE(Send(ibss, "ibss", "go"));
  EXPECT_EQ(LastError(), "refused_type");
  EXPECT_TRUE(Send(ibss, "ibec", "go"));
  EXPECT_EQ(NextEvent(), Event::kRunIbec);
}

TEST_F(IbootTest, StallsTheTransferThatAFaultNames) {
  Iboot ibec = RunIbec();
  ASSERT_TRUE(phone_.SetFault({"refuse-send", "RestoreRamDisk"}));
  EXPECT_TRUE(Send(ibec, "rtsc", "firmware"));
  EXPECT_FALSE(ibec.BulkOut(4, images_.Image("rdsk")));
  EXPECT_EQ(LastError(), "refused_send");
  EXPECT_TRUE(Send(ibec, "rdsk", "ramdisk"));  // once
}

TEST_F(IbootTest, HearsNothingMoreOnceItIsLeaving) {
  Iboot iboot(phone_, Stage::kIboot);
  EXPECT_TRUE(Command(iboot, "reboot"));
  EXPECT_FALSE(Command(iboot, "setenv auto-boot true"));
  EXPECT_FALSE(Command(iboot, "saveenv"));
  EXPECT_FALSE(iboot.BulkOut(4, Bytes(10)));
  EXPECT_FALSE(phone_.State().AutoBoot());
}

TEST_F(IbootTest, NvramKeepsOnlyWhatWasSaved) {
  Iboot iboot(phone_, Stage::kIboot);
  EXPECT_TRUE(Command(iboot, "setenv auto-boot true"));
  EXPECT_FALSE(phone_.State().AutoBoot());
  EXPECT_TRUE(Command(iboot, "saveenv"));
  EXPECT_TRUE(phone_.State().AutoBoot());
}

}  // namespace
}  // namespace rack
