// Boot objects in pieces, NOR data in its order, and what goes around a payload.

#include <gtest/gtest.h>

#include "firmware_world.h"
#include "station/base/digest.h"
#include "station/image4/personalise.h"

namespace station::restore {
namespace {

using plist::Plist;
using testing::Bytes;
using testing::FirmwareWorld;
using testing::KeptAnswers;
using testing::MakeIm4p;
using testing::MakeTicket;
using testing::ParseXml;
using testing::ToBytes;

std::string Entry(const std::string& name, const std::string& path, const std::string& info = "",
                  const std::string& more = "") {
  return "<key>" + name + "</key><dict>" + more + "<key>Info</key><dict><key>Path</key><string>" +
         path + "</string>" + info + "</dict></dict>";
}
Plist Identity(const std::string& manifest, const std::string& info = "") {
  return ParseXml(
      "<plist><dict><key>Info</key><dict><key>DeviceClass</key><string>d53gap</string>" + info +
      "</dict><key>Manifest</key><dict>" + manifest + "</dict></dict></plist>");
}
const std::string kFlash = "<key>IsFirmwarePayload</key><true/>";

// Every piece but the last is 8192 bytes; the last message says that it was the last.
Bytes Joined(const KeptAnswers& channel) {
  Bytes all;
  for (std::size_t i = 0; i + 1 < channel.sent.size(); ++i) {
    const auto piece = channel.sent[i]["FileData"].Data();
    EXPECT_TRUE(piece && channel.sent[i].Get().Size() == 1);
    if (!piece) continue;
    const bool last = i + 2 == channel.sent.size();
    EXPECT_TRUE(last || piece->size() == 8192U);
    all.insert(all.end(), piece->begin(), piece->end());
  }
  EXPECT_TRUE(!channel.sent.empty() && channel.sent.back()["FileDataDone"].Bool() == true);
  return all;
}

std::string Image(const std::string& name) {
  return "<dict><key>ImageName</key><string>" + name + "</string></dict>";
}

class PieceSizes : public ::testing::TestWithParam<std::size_t> {};
TEST_P(PieceSizes, SourceObjectArrivesAsItIs) {
  Bytes content(GetParam());
  for (std::size_t i = 0; i < content.size(); ++i)
    content[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  FirmwareWorld world(Identity(Entry("Cryptex1,AppOS", "app.dmg")), {{"app.dmg", content}});
  KeptAnswers channel;
  ASSERT_TRUE(world.Provide("SourceBootObjectV4", Image("Cryptex1,AppOS"), channel));
  EXPECT_EQ(Joined(channel), content);
}
INSTANTIATE_TEST_SUITE_P(Bytes, PieceSizes,
                         ::testing::Values(0, 1, 8191, 8192, 8193, 16384, 3'000'000));

TEST(BootObjects, PersonalisedInPieces_IsWhatItIsWhole) {
  const Bytes payload = MakeIm4p("logo", Bytes(100'000, 0x5A));
  const auto digest = image4::PayloadDigest(payload, "rlgo", 48);
  ASSERT_TRUE(digest);
  FirmwareWorld world(Identity(Entry("RestoreLogo", "logo.im4p")), {{"logo.im4p", payload}},
                      MakeTicket({{"rlgo", *digest}}));
  const auto whole = world.components.Personalised("RestoreLogo");
  ASSERT_TRUE(whole) << whole.error().context;
  KeptAnswers channel;
  ASSERT_TRUE(world.Provide("PersonalizedBootObjectV3", Image("RestoreLogo"), channel));
  EXPECT_EQ(Joined(channel), testing::All(*whole));
}

TEST(BootObjects, WrongDigestIsFoundBeforeAByteIsSent) {
  FirmwareWorld world(Identity(Entry("AppleLogo", "logo.im4p")),
                      {{"logo.im4p", MakeIm4p("logo", Bytes(100, 1))}},
                      MakeTicket({{"logo", Bytes(48, 9)}}));
  KeptAnswers channel;
  const auto done = world.Provide("PersonalizedBootObjectV3", Image("AppleLogo"), channel);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kTicketWrongComponent);
  EXPECT_TRUE(channel.sent.empty());
}

TEST(BootObjects, FilesThatAreNoComponents) {
  FirmwareWorld world(Identity(""),
                      {{"RestoreVersion.plist", ToBytes("r")},
                       {"SystemVersion.plist", ToBytes("s")},
                       {"Firmware/Manifests/restore/customer/apticket.d53gap.im4m", ToBytes("m")}});
  for (const auto& [name, content] :
       {std::pair{"__RestoreVersion__", "r"}, {"__SystemVersion__", "s"}}) {
    KeptAnswers channel;
    ASSERT_TRUE(world.Provide("PersonalizedBootObjectV3", Image(name), channel)) << name;
    EXPECT_EQ(Joined(channel), ToBytes(content));
  }
  KeptAnswers channel;
  ASSERT_TRUE(world.Provide("SourceBootObjectV4",
                            "<dict><key>ImageName</key><string>__GlobalManifest__</"
                            "string><key>Variant</key><string>customer</string></dict>",
                            channel));
  EXPECT_EQ(Joined(channel), ToBytes("m"));
  EXPECT_FALSE(world.Provide("SourceBootObjectV4", Image("__GlobalManifest__"), channel))
      << "iPhones have none";
  EXPECT_EQ(world.Provide("SourceBootObjectV4", Image("Nothing"), channel).error().code,
            ErrorCode::kFirmwareMemberMissing);
  EXPECT_EQ(world.Provide("SourceBootObjectV4", "<dict/>", channel).error().code,
            ErrorCode::kRestoreDialogue);
}

// After the first piece of an encrypted image the phone may ask for its key; other words are not
// for us (6.7).
TEST(BootObjects, EncryptedImageWaitsForTheKeyRequest) {
  Bytes image(20'000, 3);
  std::copy_n("AEA1", 4, image.begin());
  FirmwareWorld world(Identity(Entry("Cryptex1,SystemOS", "os.aea")), {{"os.aea", image}});
  const Plist arguments = ParseXml("<plist>" + Image("Cryptex1,SystemOS") + "</plist>");
  ProviderContext context = world.Context();
  KeptAnswers channel;
  std::vector<std::size_t> asked_after;
  context.answer_elsewhere = [&](plist::View message, const std::string& type) -> Status {
    asked_after.push_back(channel.sent.size());
    EXPECT_EQ(type, "URLAsset");
    EXPECT_EQ(message["DataPort"].Integer(), 77U);
    return {};
  };
  channel.to_receive.push_back(
      ParseXml("<plist><dict><key>MsgType</key><string>ProgressMsg</string></dict></plist>"));
  channel.to_receive.push_back(
      ParseXml("<plist><dict><key>MsgType</key><string>URLAsset</string><key>DataPort</"
               "key><integer>77</integer><key>Arguments</key><dict/></dict></plist>"));
  ASSERT_TRUE(ProvideData({"SourceBootObjectV4", arguments.Get(), std::nullopt}, context, channel));
  EXPECT_EQ(asked_after, (std::vector<std::size_t>{1}));
  ASSERT_EQ(channel.unread.size(), 1U) << "kept for the dialogue";
  EXPECT_EQ(channel.unread[0]["MsgType"].String(), "ProgressMsg");
  EXPECT_EQ(Joined(channel), image);
}

TEST(NorData, OrderAndKeysAsThePhoneExpectsThem) {
  std::map<std::string, Bytes> members;
  std::string manifest;
  for (const auto& [name, type] : {std::pair{"AppleLogo", "logo"},
                                   {"DeviceTree", "dtre"},
                                   {"LLB", "illb"},
                                   {"RestoreSEP", "rsep"},
                                   {"SEP", "sepi"},
                                   {"iBoot", "ibot"},
                                   {"iBootData", "ibdt"}}) {
    const std::string path = std::string("Firmware/all_flash/") + name + ".im4p";
    members[path] = MakeIm4p(type, Bytes(10, static_cast<std::uint8_t>(type[0])));
    const bool secure = std::string(name) == "SEP";
    manifest += Entry(name, path, secure ? "" : kFlash);
  }
  manifest +=
      Entry("AVE", "ave", "<key>IsSecondaryFirmwarePayload</key><true/>") +
      Entry("ISP", "isp",
            "<key>IsSecondaryFirmwarePayload</key><true/><key>IsLoadedByiBoot</key><true/>");
  members["ave"] = members["isp"] = MakeIm4p("ispf", Bytes(10, 1));
  FirmwareWorld world(Identity(manifest), members);
  const auto pers = [&](const char* name) {
    const auto image = world.components.Personalised(name);
    return image ? testing::All(*image) : Bytes();
  };
  const auto same = [](plist::View data, const Bytes& bytes) {
    return data.Data() && std::ranges::equal(*data.Data(), bytes);
  };

  KeptAnswers channel;
  ASSERT_TRUE(world.Provide("NORData", "<dict/>", channel));
  const Plist& answer = channel.sent[0];
  EXPECT_TRUE(same(answer["LlbImageData"], pers("LLB")));
  EXPECT_TRUE(same(answer["RestoreSEPImageData"], pers("RestoreSEP")));
  EXPECT_TRUE(same(answer["SEPImageData"], pers("SEP")));
  ASSERT_EQ(answer["NorImageData"].Size(), 5U);
  std::size_t at = 0;
  for (const char* name : {"iBootData", "iBoot", "AppleLogo", "DeviceTree", "ISP"})
    EXPECT_TRUE(same(answer["NorImageData"].At(at++), pers(name))) << name;

  ASSERT_TRUE(world.Provide("NORData", "<dict><key>FlashVersion1</key><true/></dict>", channel));
  EXPECT_TRUE(same(channel.sent[1]["NorImageData"]["iBoot"], pers("iBoot")));
  EXPECT_EQ(channel.sent[1]["NorImageData"].Size(), 5U);
}

TEST(NorData, OldFirmwareListsItsFiles) {
  std::string manifest = Entry("LLB", "Firmware/all_flash/LLB.x.im4p") + Entry("iBoot", "i") +
                         Entry("AppleLogo", "a") + Entry("DeviceTree", "d", kFlash);
  FirmwareWorld world(Identity(manifest),
                      {{"Firmware/all_flash/LLB.x.im4p", MakeIm4p("illb", {1})},
                       {"i", MakeIm4p("ibot", {2})},
                       {"a", MakeIm4p("logo", {3})},
                       {"d", MakeIm4p("dtre", {4})},
                       {"Firmware/all_flash/manifest",
                        ToBytes("LLB.x.im4p\napplelogo@2x.im4p\r\niBoot.x.im4p\nunknown.im4p\n")}});
  KeptAnswers channel;
  ASSERT_TRUE(world.Provide("NORData", "<dict><key>FlashVersion1</key><true/></dict>", channel));
  EXPECT_EQ(channel.sent[0]["NorImageData"].Size(), 2U);
  EXPECT_TRUE(channel.sent[0]["NorImageData"]["AppleLogo"].IsData());
}

// IM4R: nonce slots where the identity requires them, seals where the answer holds them (4.4).
TEST(Components, CarryWhatOnlyThisPhonesCopyHas) {
  FirmwareWorld world(
      Identity(Entry("LLB", "llb") + Entry("SEP", "sep") + Entry("iBoot", "iboot"),
               "<key>RequiresNonceSlot</key><true/><key>SepNonceSlotID</key><integer>5</integer>"),
      {{"llb", MakeIm4p("illb", {1})},
       {"sep", MakeIm4p("sepi", {2})},
       {"iboot", MakeIm4p("ibot", {3})}});
  const Plist answer = ParseXml(
      "<plist><dict><key>SEP-TBM</key><dict><key>ucon</key><data>AQ==</data><key>ucer</"
      "key><data>Ag==</data></dict>"
      "<key>iBoot-TBM</key><dict><key>ucon</key><data>AQ==</data></dict></dict></plist>");
  const ComponentSource components(world.reader, world.identity, world.ticket, answer.Get());
  const auto info_of = [&](const char* name) -> Bytes {
    const auto image = components.Personalised(name);
    if (!image) return {};
    const Bytes whole = testing::All(*image);
    const auto outer = image4::ReadOnly(whole, image4::kSequence);
    image4::DerReader reader(outer->content);
    for (int i = 0; i < 3; ++i) (void)reader.Next();
    const auto info = reader.Next();
    return info ? Bytes(info->content.begin(), info->content.end()) : Bytes();
  };
  // SEQUENCE { "IM4R", SET { anid: INTEGER 0 } } : written out by hand, tag FF868BB9D264.
  EXPECT_EQ(info_of("LLB"), (Bytes{0x30, 0x1A, 0x16, 0x04, 'I',  'M',  '4',  'R',  0x31, 0x12,
                                   0xFF, 0x86, 0x8B, 0xB9, 0xD2, 0x64, 0x0B, 0x30, 0x09, 0x16,
                                   0x04, 'a',  'n',  'i',  'd',  0x02, 0x01, 0x00}));
  // snid 5, then ucon, then ucer.
  EXPECT_EQ(info_of("SEP"),
            (Bytes{0x30, 0x3E, 0x16, 0x04, 'I',  'M',  '4',  'R',  0x31, 0x36, 0xFF, 0x87, 0x9B,
                   0xB9, 0xD2, 0x64, 0x0B, 0x30, 0x09, 0x16, 0x04, 's',  'n',  'i',  'd',  0x02,
                   0x01, 0x05, 0xFF, 0x87, 0xAB, 0x8D, 0xDE, 0x6E, 0x0B, 0x30, 0x09, 0x16, 0x04,
                   'u',  'c',  'o',  'n',  0x04, 0x01, 0x01, 0xFF, 0x87, 0xAB, 0x8D, 0xCA, 0x72,
                   0x0B, 0x30, 0x09, 0x16, 0x04, 'u',  'c',  'e',  'r',  0x04, 0x01, 0x02}));
  EXPECT_EQ(components.Personalised("iBoot").error().code, ErrorCode::kSigningBadAnswer)
      << "ucer is missing";
}

TEST(Images, TheThreeFormsOfAQuestion) {
  FirmwareWorld world(Identity(Entry("Ap,HapticAssets", "h", "<key>IsFUDFirmware</key><true/>") +
                               Entry("Other", "o")),
                      {{"h", MakeIm4p("hpas", {1})}, {"o", MakeIm4p("xxxx", {1})}});
  KeptAnswers channel;
  ASSERT_TRUE(world.Provide("FUDData", "<dict><key>FUDImageList</key><true/></dict>", channel));
  EXPECT_EQ(channel.sent[0]["FUDImageList"].Size(), 1U);
  ASSERT_TRUE(world.Provide(
      "FUDData", "<dict><key>ImageName</key><string>Ap,HapticAssets</string></dict>", channel));
  EXPECT_TRUE(channel.sent[1]["FUDImageData"].IsData());
  ASSERT_TRUE(world.Provide("FUDData", "<dict><key>ImageName</key><string>Unknown</string></dict>",
                            channel));
  EXPECT_EQ(channel.sent[2].Get().Size(), 1U) << "the name alone";
  ASSERT_TRUE(world.Provide("PersonalizedData",
                            "<dict><key>ImageType</key><string>IsFUDFirmware</string></dict>",
                            channel));
  EXPECT_TRUE(channel.sent[3]["ImageData"]["Ap,HapticAssets"].IsData());
  ASSERT_TRUE(world.Provide("EANData", "<dict><key>EANImageList</key><true/></dict>", channel));
  EXPECT_EQ(channel.sent[4]["EANImageList"].Size(), 0U);
  EXPECT_EQ(world.Provide("PersonalizedData", "<dict/>", channel).error().code,
            ErrorCode::kRestoreDialogue);
}

TEST(Answers, SmallOnes) {
  FirmwareWorld world(Identity(""), {});
  KeptAnswers channel;
  ASSERT_TRUE(world.Provide("HostSystemTime", "<dict/>", channel));
  EXPECT_NE(channel.written[0].find("<real>"), std::string::npos);
  ASSERT_TRUE(world.Provide("BuildIdentityDict",
                            "<dict><key>Variant</key><string>Update</string></dict>", channel));
  EXPECT_EQ(channel.sent[1]["Variant"].String(), "Update");
  EXPECT_TRUE(channel.sent[1]["BuildIdentityDict"]["Manifest"].IsDict());
  ASSERT_TRUE(world.Provide("ReceiptManifest", "<dict/>", channel));
  EXPECT_TRUE(channel.sent[2]["ReceiptManifest"].IsDict());
  ASSERT_TRUE(world.Provide(
      "RecoveryOSFileAssetImage",
      "<dict><key>FWOverrideKey</key><string>RecoveryOSKernelCache</string></dict>", channel));
  EXPECT_EQ(channel.sent[3]["RecoveryOSNoAssetFound"].Bool(), true);
  ASSERT_TRUE(world.Provide("RecoveryOSIBootFWFilesImages", "<dict/>", channel));
  EXPECT_EQ(channel.sent[4]["RecoveryOSNoAssetFound"].Bool(), true);
  EXPECT_EQ(world.Provide("RecoveryOSImage", "<dict/>", channel).error().code,
            ErrorCode::kFirmwareNoIdentity);
}

}  // namespace
}  // namespace station::restore
