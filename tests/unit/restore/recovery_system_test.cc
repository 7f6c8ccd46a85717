// The recovery system an identity names: signed for before anything is erased, and what is asked of
// it.

#include "station/restore/recovery_system.h"

#include <gtest/gtest.h>

#include "firmware_world.h"

namespace station::restore {
namespace {

using plist::Plist;
using testing::Bytes;
using testing::FirmwareWorld;
using testing::KeptAnswers;
using testing::MakeIm4p;
using testing::ParseXml;

std::string Entry(const std::string& name, const std::string& path, const std::string& info = "") {
  return "<key>" + name + "</key><dict><key>Info</key><dict><key>Path</key><string>" + path +
         "</string>" + info + "</dict></dict>";
}
std::string Identity(const std::string& variant, const std::string& manifest,
                     const std::string& more = "") {
  return "<dict><key>ApChipID</key><string>0x8140</string><key>ApBoardID</key><string>0x0C</"
         "string><key>ApSecurityDomain</key><string>0x01</string><key>UniqueBuildID</"
         "key><data>AQ==</data>"
         "<key>Info</key><dict><key>DeviceClass</key><string>d93ap</string><key>Variant</"
         "key><string>" +
         variant +
         "</string><key>BuildNumber</key><string>22A1</string>"
         "<key>ProductVersion</key><string>18.0</string>" +
         more + "</dict><key>Manifest</key><dict>" + manifest + "</dict></dict>";
}

class RecoveryTest : public ::testing::Test {
 protected:
  static std::string MainIdentity() {
    return Identity("Customer Erase Install (IPSW)", Entry("OS", "os.dmg"),
                    "<key>RecoveryVariant</key><string>Recovery Customer</string>");
  }
  static std::string RecoveryIdentity() {
    return Identity("Recovery Customer",
                    Entry("OS", "recovery.dmg") + Entry("KernelCache", "kernel") +
                        Entry("iBootData", "data", "<key>IsLoadedByiBoot</key><true/>"));
  }
  RecoveryTest()
      : world_(ParseXml("<plist>" + MainIdentity() + "</plist>"),
               {{"os.dmg", Bytes(10, 1)},
                {"recovery.dmg", Bytes(3U << 20U, 2)},
                {"kernel", MakeIm4p("krnl", {1})},
                {"data", MakeIm4p("ibdt", {2})}}) {
    const std::string xml =
        "<plist><dict><key>ProductVersion</key><string>18.0</string><key>ProductBuildVersion</"
        "key><string>22A1</string><key>SupportedProductTypes</key><array><string>"
        "iPhone17,1</string></array><key>BuildIdentities</key><array>" +
        MainIdentity() + RecoveryIdentity() + "</array></dict></plist>";
    auto manifest = firmware::BuildManifest::Parse(
        {reinterpret_cast<const std::uint8_t*>(xml.data()), xml.size()});
    EXPECT_TRUE(manifest);
    manifest_.emplace(std::move(*manifest));
  }
  FirmwareWorld world_;
  std::optional<firmware::BuildManifest> manifest_;
};

TEST_F(RecoveryTest, IdentityIsTheOneNamed_OfTheSameBoard) {
  const auto found = FindRecoveryIdentity(world_.identity, &*manifest_);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->Variant(), "Recovery Customer");
  const Plist plain = ParseXml("<plist>" + Identity("x", "") + "</plist>");
  const auto none = FindRecoveryIdentity(firmware::Identity(plain.Get()), &*manifest_);
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->has_value());
  const Plist lost =
      ParseXml("<plist>" + Identity("x", "", "<key>RecoveryVariant</key><string>Nowhere</string>") +
               "</plist>");
  EXPECT_EQ(FindRecoveryIdentity(firmware::Identity(lost.Get()), &*manifest_).error().code,
            ErrorCode::kFirmwareNoIdentity);
}

TEST_F(RecoveryTest, ServesItsPieces) {
  const auto identity = FindRecoveryIdentity(world_.identity, &*manifest_);
  ASSERT_TRUE(identity && *identity);
  RecoverySystem system{**identity, testing::MakeTicket(), nullptr};
  system.components =
      std::make_unique<ComponentSource>(world_.reader, system.identity, system.ticket);
  ProviderContext context = world_.Context();
  context.recovery = &system;
  const auto provide = [&](const std::string& type, const std::string& arguments,
                           KeptAnswers& channel) {
    const Plist parsed = ParseXml("<plist>" + arguments + "</plist>");
    return ProvideData({type, parsed.Get(), std::nullopt}, context, channel);
  };
  KeptAnswers channel;
  ASSERT_TRUE(provide("RecoveryOSRootTicketData", "<dict/>", channel));
  EXPECT_TRUE(std::ranges::equal(*channel.sent[0]["RootTicketData"].Data(), system.ticket.Raw()));
  ASSERT_TRUE(provide("RecoveryOSFileAssetImage",
                      "<dict><key>FWOverrideKey</key><string>RecoveryOSKernelCache</string></dict>",
                      channel));
  EXPECT_TRUE(channel.sent[1]["AdditionalBootImages"].IsData());
  ASSERT_TRUE(provide("RecoveryOSFileAssetImage",
                      "<dict><key>FWOverrideKey</key><string>RecoveryOSNothing</string></dict>",
                      channel));
  EXPECT_EQ(channel.sent[2]["RecoveryOSNoAssetFound"].Bool(), true);
  ASSERT_TRUE(provide("RecoveryOSIBootFWFilesImages", "<dict/>", channel));
  EXPECT_TRUE(channel.sent[3]["AdditionalBootImages"]["iBootData"].IsData());
  ASSERT_TRUE(provide("RecoveryOSVersionData", "<dict/>", channel));
  const auto xml = *channel.sent[4]["RecoveryOSVersionData"].Data();
  const Plist version = ParseXml({reinterpret_cast<const char*>(xml.data()), xml.size()});
  EXPECT_EQ(version["BuildNumber"].String(), "22A1");
  EXPECT_EQ(version["ProductMarketingVersion"].String(), "18.0");
  ASSERT_TRUE(provide("BuildIdentityDict", "<dict><key>IsRecoveryOS</key><true/></dict>", channel));
  EXPECT_EQ(channel.sent[5]["BuildIdentityDict"]["Info"]["Variant"].String(), "Recovery Customer");
  KeptAnswers stream;
  ASSERT_TRUE(provide("RecoveryOSImage", "<dict/>", stream));
  EXPECT_EQ(stream.sent.size(), (3U << 20U) / 8192 + 1);
  const RecoverySystemRoom room = RoomFor(system);
  EXPECT_EQ(room.least_megabytes, 29U) << "4 MB x 1.05 + 25";
  EXPECT_EQ(room.most_megabytes, 30U);
}

TEST_F(RecoveryTest, LocalPolicyIsSignedForTheVolumeThePhoneNames) {
  const auto identity = FindRecoveryIdentity(world_.identity, &*manifest_);
  RecoverySystem system{**identity, testing::MakeTicket(), nullptr};
  system.components =
      std::make_unique<ComponentSource>(world_.reader, system.identity, system.ticket);
  ProviderContext context = world_.Context();
  context.recovery = &system;
  world_.signer_answer.Set("ApImg4Ticket", Plist::Data(Bytes{0x30, 0x00}));
  const Plist arguments = ParseXml(
      "<plist><dict><key>Ap,NextStageIM4MHash</key><data>AQID</data><key>Ap,VolumeUUID</"
      "key><string>00112233-4455-6677-8899-AABBCCDDEEFF</string></dict></plist>");
  KeptAnswers channel;
  ASSERT_TRUE(
      ProvideData({"RecoveryOSLocalPolicy", arguments.Get(), std::nullopt}, context, channel));
  EXPECT_TRUE(channel.sent[0]["Ap,LocalPolicy"].IsData());
  const Plist& asked = world_.asked.at(0);
  EXPECT_EQ(asked["Ap,LocalPolicy"]["Digest"].Data()->size(), 48U);
  EXPECT_EQ(asked["Ap,VolumeUUID"].Data()->size(), 16U);
  EXPECT_EQ((*asked["Ap,VolumeUUID"].Data())[15], 0xFF);
  EXPECT_EQ(asked["ApChipID"].Integer(), 0x8140U);
  const Plist broken = ParseXml(
      "<plist><dict><key>Ap,NextStageIM4MHash</key><data>AQID</data><key>Ap,VolumeUUID</"
      "key><string>xyz</string></dict></plist>");
  EXPECT_EQ(ProvideData({"RecoveryOSLocalPolicy", broken.Get(), std::nullopt}, context, channel)
                .error()
                .code,
            ErrorCode::kRestoreDialogue);
}

}  // namespace
}  // namespace station::restore
