#include "station/firmware/build_manifest.h"

#include <gtest/gtest.h>

#include "station/base/fd.h"

namespace station::firmware {
namespace {

std::vector<std::uint8_t> ReadManifest(const std::string& name) {
  const auto text =
      ReadFile(std::filesystem::path(STATION_SOURCE_DIR) / "tests/rack/manifests" / name);
  return text ? std::vector<std::uint8_t>(text->begin(), text->end()) : std::vector<std::uint8_t>();
}

TEST(BuildManifest, ChoosesTheOneIdentityForBoardAndAction) {
  const auto manifest = BuildManifest::Parse(ReadManifest("iphone8_ios15.plist"));
  ASSERT_TRUE(manifest) << manifest.error().context;
  const auto erase = manifest->Choose("D20AP", 0x8015, 0x02, Action::kErase);
  ASSERT_TRUE(erase) << erase.error().context;
  EXPECT_EQ(erase->Behaviour(), "Erase");
  EXPECT_EQ(erase->Board(), "d20ap");
  EXPECT_EQ(manifest->Choose("d20ap", 0x8015, 0x02, Action::kUpdate)->Behaviour(), "Update");
  EXPECT_EQ(manifest->BuildMajor(), 19U);
}

TEST(BuildManifest, MissingIdentityNamesTheCandidates) {
  const auto manifest = BuildManifest::Parse(ReadManifest("iphone8_ios15.plist"));
  ASSERT_TRUE(manifest);
  const auto none = manifest->Choose("d22ap", 0x8015, 0x06, Action::kErase);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kFirmwareNoIdentity);
  EXPECT_NE(none.error().context.find("d201ap"), std::string::npos) << none.error().context;
  // Right board, wrong board id: a manifest that contradicts the phone is no match.
  EXPECT_EQ(manifest->Choose("d20ap", 0x8015, 0x04, Action::kErase).error().code,
            ErrorCode::kFirmwareNoIdentity);
}

TEST(BuildManifest, KeepBoard_ForgetsOtherBoardsAndChoosesTheSame) {
  auto manifest = BuildManifest::Parse(ReadManifest("iphone8_ios15.plist"));
  ASSERT_TRUE(manifest);
  const std::size_t all = manifest->Identities().size();
  const std::string chosen = manifest->Choose("d20ap", 0x8015, 0x02, Action::kErase)->Variant();
  manifest->KeepBoard("no such board");
  EXPECT_EQ(manifest->Identities().size(), all);
  manifest->KeepBoard("D20AP");
  EXPECT_LT(manifest->Identities().size(), all);
  for (const Identity& identity : manifest->Identities()) EXPECT_EQ(identity.Board(), "d20ap");
  EXPECT_EQ(manifest->Choose("d20ap", 0x8015, 0x02, Action::kErase)->Variant(), chosen);
  EXPECT_EQ(manifest->Choose("d20ap", 0x8015, 0x02, Action::kUpdate)->Behaviour(), "Update");
  EXPECT_EQ(manifest->ProductBuildVersion().substr(0, 2), "19");
}

TEST(BuildManifest, RefusesWhatLacksItsKeys) {
  for (const std::string text :
       {"<plist><dict></dict></plist>", "<plist><array/></plist>", "no plist at all",
        "<plist><dict><key>ProductVersion</key>"
        "<integer>1</integer></dict></plist>"}) {
    const auto manifest =
        BuildManifest::Parse({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    ASSERT_FALSE(manifest) << text;
    EXPECT_EQ(manifest.error().code, ErrorCode::kFirmwareMalformed) << text;
  }
}

TEST(BuildManifest, StatedPayloadTypeWinsOverTheTable) {
  const auto entry = plist::Plist::Parse(
      std::string_view("<plist><dict><key>Info</key><dict><key>Img4PayloadType</key>"
                       "<string>abcd</string></dict></dict></plist>"));
  ASSERT_TRUE(entry);
  EXPECT_EQ(Component("iBEC", entry->Get()).FourCc(), "abcd");
  EXPECT_EQ(TableFourCc("OS"), "rosi");
  EXPECT_EQ(TableFourCc("Savage,B0-Prod-Patch"), std::nullopt);
}

}  // namespace
}  // namespace station::firmware
