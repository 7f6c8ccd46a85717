// Debian's irecovery, unmodified, against phones in recovery and DFU.

#include <gmock/gmock.h>

#include <fstream>

#include "tests/rack/usb/test/bus_test.h"

namespace rack {
namespace {

using testing::HasSubstr;

class IrecoveryTest : public PreloadTest {
 protected:
  void SetUp() override {
    PreloadTest::SetUp();
    if (!IsSkipped() && !std::filesystem::exists("/usr/bin/irecovery"))
      GTEST_SKIP() << "irecovery is not installed";
  }
};

TEST_F(IrecoveryTest, TwoPhonesInAFilteredWorldEach_EachQueryShowsItsOwn) {
  Attach("1-4.2", Recovery("0000000000001111"));
  Attach("1-4.3", Recovery("0000000000002222"));
  const World first = MakeWorld({{Port("1-4.2")}});
  const World second = MakeWorld({{Port("1-4.3")}});
  const std::string about_first = RunClient(first, {"irecovery", "-q"});
  const std::string about_second = RunClient(second, {"irecovery", "-q"});
  EXPECT_THAT(about_first, HasSubstr("ECID: 0x0000000000001111"));
  EXPECT_THAT(about_first, HasSubstr("NONC: " + std::string(48, 'a') + "0000000000001111"));
  EXPECT_THAT(about_first, HasSubstr("SNON: " + std::string(24, 'b') + "0000000000001111"));
  EXPECT_THAT(about_first, HasSubstr("SRNM: F2LXYZ123456"));
  EXPECT_THAT(about_second, HasSubstr("ECID: 0x0000000000002222"));
  EXPECT_THAT(about_second, HasSubstr("NONC: " + std::string(48, 'a') + "0000000000002222"));
}

TEST_F(IrecoveryTest, Command_ArrivesAsOneControlTransferWithItsNul) {
  const auto phone = Attach("1-4.2", Recovery());
  const World world = MakeWorld();
  RunClient(world, {"irecovery", "-c", "setenv auto-boot false"});
  const auto controls = phone->Look().controls;
  ASSERT_EQ(controls.size(), 1U);
  EXPECT_EQ(controls[0].first.request_type, 0x40);
  EXPECT_EQ(controls[0].second, std::string("setenv auto-boot false") + '\0');
}

struct UploadCase {
  const char* name;
  std::size_t size;
};
class IrecoveryUploadTest : public IrecoveryTest, public testing::WithParamInterface<UploadCase> {};

TEST_P(IrecoveryUploadTest, File_ArrivesByteForByteAfterTheStartRequest) {
  std::string content(GetParam().size, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 31 + i / 257);
  const std::string file = folder_.Path() + "/file";
  std::ofstream(file, std::ios::binary) << content;
  const auto phone = Attach("1-4.2", Recovery());
  const World world = MakeWorld();
  const std::string said = RunClient(world, {"irecovery", "-f", file});
  const auto seen = phone->Look();
  ASSERT_FALSE(seen.controls.empty()) << said;
  EXPECT_EQ(seen.controls[0].first.request_type, 0x41);
  EXPECT_EQ(seen.last_endpoint, 0x04);
  EXPECT_EQ(seen.received.size(), content.size());
  EXPECT_TRUE(seen.received == content);
}

INSTANTIATE_TEST_SUITE_P(Sizes, IrecoveryUploadTest,
                         testing::Values(UploadCase{"OneByte", 1},
                                         UploadCase{"OneWholeBlock", 0x8000},
                                         UploadCase{"OddMegabytes", 3 * 1024 * 1024 + 77}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST_F(IrecoveryTest, Reset_ReachesThePhoneAsAPortReset) {
  const auto phone = Attach("1-4.2", Recovery());
  const World world = MakeWorld();
  RunClient(world, {"irecovery", "-r"});
  EXPECT_EQ(phone->Look().resets, 1);
}

TEST_F(IrecoveryTest, DfuPhone_IsToldApartByItsMode) {
  Attach("1-4.2", Dfu());
  const World world = MakeWorld();
  const std::string said = RunClient(world, {"irecovery", "-q"});
  EXPECT_THAT(said, HasSubstr("SRTG: iBoot-1"));
  EXPECT_THAT(said, HasSubstr("NONC: N/A"));
  EXPECT_THAT(said, HasSubstr("MODE: DFU"));
}

}  // namespace
}  // namespace rack
