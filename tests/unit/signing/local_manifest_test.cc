// The unsigned manifest of an update that keeps data, against bytes written out by hand
// (restore-protocol 4.1, 4.6).

#include "station/signing/local_manifest.h"

#include <gtest/gtest.h>

namespace station::signing {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::string_view kIdentity = R"(<plist><dict>
<key>ApChipID</key><string>0x8015</string><key>ApBoardID</key><string>0x02</string><key>ApSecurityDomain</key><string>0x00</string>
<key>Info</key><dict><key>DeviceClass</key><string>d20ap</string></dict>
<key>Manifest</key><dict>
 <key>iBEC</key><dict><key>Digest</key><data>AQID</data><key>Trusted</key><true/><key>Info</key><dict><key>Path</key><string>a</string></dict></dict>
 <key>LLB</key><dict><key>Digest</key><data>AQID</data><key>Trusted</key><true/><key>Info</key><dict><key>IsFirmwarePayload</key><true/>
  <key>RestoreRequestRules</key><array>
   <dict><key>Conditions</key><dict><key>ApRawProductionMode</key><true/></dict><key>Actions</key><dict><key>EPRO</key><true/></dict></dict>
   <dict><key>Conditions</key><dict><key>ApRawProductionMode</key><false/></dict><key>Actions</key><dict><key>EPRO</key><false/></dict></dict>
  </array></dict></dict>
 <key>Multitouch</key><dict><key>Digest</key><data>AQID</data><key>Info</key><dict><key>IsFUDFirmware</key><true/></dict></dict>
</dict></dict></plist>)";

TEST(LocalManifest, HoldsTrustedFirmwarePayloadsOnly_AndIsUnsigned) {
  const auto node = plist::Plist::Parse(kIdentity);
  ASSERT_TRUE(node);
  const auto manifest = BuildLocalManifest(firmware::Identity(node->Get()));
  ASSERT_TRUE(manifest) << manifest.error().context;
  const auto property = [](Bytes tag, const std::string& name, Bytes value) {
    Bytes sequence = {0x16, 0x04};
    sequence.insert(sequence.end(), name.begin(), name.end());
    sequence.insert(sequence.end(), value.begin(), value.end());
    sequence.insert(sequence.begin(), {0x30, static_cast<std::uint8_t>(sequence.size())});
    tag.push_back(static_cast<std::uint8_t>(sequence.size()));
    tag.insert(tag.end(), sequence.begin(), sequence.end());
    return tag;
  };
  const auto set = [](std::initializer_list<Bytes> members) {
    Bytes content;
    for (const Bytes& member : members) content.insert(content.end(), member.begin(), member.end());
    Bytes whole = content.size() < 0x80
                      ? Bytes{0x31, static_cast<std::uint8_t>(content.size())}
                      : Bytes{0x31, 0x81, static_cast<std::uint8_t>(content.size())};
    whole.insert(whole.end(), content.begin(), content.end());
    return whole;
  };
  const Bytes manp =
      set({property({0xFF, 0x84, 0x92, 0xBD, 0xA4, 0x44}, "BORD", {2, 1, 2}),
           property({0xFF, 0x84, 0x9A, 0x95, 0xA0, 0x4F}, "CEPO", {2, 1, 0}),
           property({0xFF, 0x84, 0x9A, 0xA1, 0x92, 0x50}, "CHIP", {2, 3, 0, 0x80, 0x15}),
           property({0xFF, 0x84, 0x9A, 0xC1, 0xA4, 0x4F}, "CPRO", {1, 1, 0}),
           property({0xFF, 0x84, 0x9A, 0xCD, 0x8A, 0x43}, "CSEC", {1, 1, 0}),
           property({0xFF, 0x85, 0x9A, 0x91, 0x9E, 0x4D}, "SDOM", {2, 1, 1})});
  const Bytes llb = set({property({0xFF, 0x84, 0xA2, 0x9D, 0xA6, 0x54}, "DGST", {4, 3, 1, 2, 3}),
                         property({0xFF, 0x84, 0xAA, 0xAD, 0x8A, 0x59}, "EKEY", {1, 1, 0xFF}),
                         property({0xFF, 0x84, 0xAA, 0xC1, 0xA4, 0x4F}, "EPRO", {1, 1, 0})});
  // SEQUENCE { "IM4M", 0, SET { MANB } }: the components stand in MANB, MANP first; no signature
  // follows.
  const std::string text(manifest->begin(), manifest->end());
  EXPECT_EQ((*manifest)[0], 0x30);
  EXPECT_NE(text.find(std::string(manp.begin(), manp.end())), std::string::npos);
  EXPECT_NE(text.find(std::string(llb.begin(), llb.end())), std::string::npos);
  EXPECT_LT(text.find("MANP"), text.find("illb"));
  EXPECT_EQ(text.find("ibec"), std::string::npos) << "no firmware payload";
  EXPECT_EQ(text.find("mtfw"), std::string::npos) << "not trusted";
  EXPECT_TRUE(text.ends_with(std::string(llb.begin(), llb.end()))) << "nothing behind it";
}

TEST(LocalManifest, NeedsChipAndBoard) {
  const auto node = plist::Plist::Parse(std::string_view(
      "<plist><dict><key>Info</key><dict/><key>Manifest</key><dict/></dict></plist>"));
  EXPECT_EQ(BuildLocalManifest(firmware::Identity(node->Get())).error().code,
            ErrorCode::kFirmwareMalformed);
}

}  // namespace
}  // namespace station::signing
