// idevicerestore 1.0.0, unmodified, restores phones of several generations: from invented manifests
// and, where the data folder is there, from real ones.

#include <gtest/gtest.h>

#include "tests/rack/forge/forge.h"
#include "tests/rack/test/rack_process.h"

namespace rack {
namespace {

const std::filesystem::path kInvented = std::filesystem::path(RACK_SOURCE_DIR) / "manifests";
const std::filesystem::path kReal =
    std::filesystem::path(RACK_SOURCE_DIR) / "../../../shared/data/manifests";
const char* const kRealX = "BuildManifest_iPhone10,3_10,6_11.2_15C114.plist";
const char* const kReal7And8 = "BuildManifest_iPhone9,1_9,3_10,1_10,4_15.4_19E241.plist";
constexpr const char* kEcid = "0xA1B2C3D4E0009";

struct Restored {
  const char* name;
  std::filesystem::path manifest;
  const char* product;
  const char* board;
  const char* mode;  // it starts in
  bool erase;
  const char* build;
  std::size_t digest_size;  // bytes of the OS image's digest
};
void PrintTo(const Restored& row, std::ostream* out) { *out << row.name; }

class Products : public testing::TestWithParam<Restored> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(GetParam().manifest))
      GTEST_SKIP() << "no real data beside the repository";
  }
  static std::string Cart() {
    return std::string("phones: [{name: phone, port: \"1-1\", product: \"") + GetParam().product +
           "\", board: " + GetParam().board + ", ecid: \"" + kEcid +
           "\", os_build: \"14A403\", mode: " + GetParam().mode + "}]";
  }
};

TEST_P(Products, IdevicerestoreRestores) {
  const RackProcess rack(Cart());
  ForgeOrder order;
  order.manifest = GetParam().manifest;
  order.out = rack.Folder() / "firmware.ipsw";
  order.os_size = 8U << 20U;
  order.ramdisk_size = 2U << 20U;
  const auto forged = Forge(order);
  ASSERT_TRUE(forged) << forged.error().context;

  std::vector<std::string> command = {"idevicerestore", "-y", "-s", "-i", kEcid, "-C",
                                      rack.Folder()};
  if (GetParam().erase) command.emplace_back("-e");
  command.push_back(order.out);
  const Finished restore = rack.Exec("phone", command);
  EXPECT_EQ(restore.code, 0) << restore.output.substr(
      restore.output.size() > 2000 ? restore.output.size() - 2000 : 0);

  const Value phone = rack.AwaitStatus("phone", [](const Value& p) {
    return p.Text("mode") == "normal" && p.Number("restores_completed") == 1;
  });
  EXPECT_EQ(phone.Text("mode"), "normal");
  EXPECT_EQ(phone.Number("restores_completed"), 1U);
  EXPECT_EQ(phone.Text("os_build"), GetParam().build);
  EXPECT_EQ(phone.Flag("user_data_present"), !GetParam().erase);
  EXPECT_EQ(phone.Text("os_image_digest"), forged->os_digest);
  EXPECT_EQ(phone.Text("os_image_digest").size(), 2 * GetParam().digest_size);
  EXPECT_EQ(phone.Text("last_error"), "none") << phone.Text("last_error_detail");
}

constexpr bool kErase = true;
constexpr bool kUpdate = false;

INSTANTIATE_TEST_SUITE_P(
    A9, Products,
    testing::Values(Restored{"EraseFromNormal", kInvented / "iphone6s_ios12.plist", "iPhone8,1",
                             "n71ap", "normal", kErase, "16H999", 20},
                    Restored{"UpdateFromRecovery", kInvented / "iphone6s_ios12.plist", "iPhone8,1",
                             "n71ap", "recovery", kUpdate, "16H999", 20},
                    Restored{"OtherBoardEraseFromRecovery", kInvented / "iphone6s_ios12.plist",
                             "iPhone8,1", "n71map", "recovery", kErase, "16H999", 20},
                    Restored{"OtherBoardUpdateFromNormal", kInvented / "iphone6s_ios12.plist",
                             "iPhone8,1", "n71map", "normal", kUpdate, "16H999", 20}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    IpadWithoutBaseband, Products,
    testing::Values(Restored{"EraseFromNormal", kInvented / "ipad_wifi.plist", "iPad7,5", "j71bap",
                             "normal", kErase, "19H997", 48},
                    Restored{"EraseFromRecovery", kInvented / "ipad_wifi.plist", "iPad7,5",
                             "j71bap", "recovery", kErase, "19H997", 48},
                    Restored{"UpdateFromNormal", kInvented / "ipad_wifi.plist", "iPad7,5", "j71bap",
                             "normal", kUpdate, "19H997", 48},
                    Restored{"UpdateFromRecovery", kInvented / "ipad_wifi.plist", "iPad7,5",
                             "j71bap", "recovery", kUpdate, "19H997", 48}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    A11, Products,
    testing::Values(Restored{"EightEraseFromNormal", kInvented / "iphone8_ios15.plist",
                             "iPhone10,1", "d20ap", "normal", kErase, "19H999", 48},
                    Restored{"EightEraseFromRecovery", kInvented / "iphone8_ios15.plist",
                             "iPhone10,4", "d201ap", "recovery", kErase, "19H999", 48},
                    Restored{"EightUpdateFromNormal", kInvented / "iphone8_ios15.plist",
                             "iPhone10,4", "d201ap", "normal", kUpdate, "19H999", 48},
                    Restored{"EightUpdateFromRecovery", kInvented / "iphone8_ios15.plist",
                             "iPhone10,1", "d20ap", "recovery", kUpdate, "19H999", 48},
                    Restored{"XEraseFromNormal", kInvented / "iphonex_ios15.plist", "iPhone10,3",
                             "d22ap", "normal", kErase, "19H998", 48},
                    Restored{"XEraseFromRecovery", kInvented / "iphonex_ios15.plist", "iPhone10,6",
                             "d221ap", "recovery", kErase, "19H998", 48},
                    Restored{"XUpdateFromNormal", kInvented / "iphonex_ios15.plist", "iPhone10,6",
                             "d221ap", "normal", kUpdate, "19H998", 48},
                    Restored{"XUpdateFromRecovery", kInvented / "iphonex_ios15.plist", "iPhone10,3",
                             "d22ap", "recovery", kUpdate, "19H998", 48}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    RealManifest, Products,
    testing::Values(Restored{"XEraseFromNormal", kReal / kRealX, "iPhone10,3", "d22ap", "normal",
                             kErase, "15C114", 48},
                    Restored{"XOtherBoardUpdateFromRecovery", kReal / kRealX, "iPhone10,6",
                             "d221ap", "recovery", kUpdate, "15C114", 48},
                    Restored{"SevenUpdateFromNormal", kReal / kReal7And8, "iPhone9,1", "d10ap",
                             "normal", kUpdate, "19E241", 48},
                    Restored{"SevenOtherBoardEraseFromRecovery", kReal / kReal7And8, "iPhone9,3",
                             "d101ap", "recovery", kErase, "19E241", 48},
                    Restored{"EightUpdateFromRecovery", kReal / kReal7And8, "iPhone10,1", "d20ap",
                             "recovery", kUpdate, "19E241", 48},
                    Restored{"EightOtherBoardEraseFromNormal", kReal / kReal7And8, "iPhone10,4",
                             "d201ap", "normal", kErase, "19E241", 48}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace rack
