// What a capture shows of a phone, and what it never does.

#include "station/worker/redactor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "station/base/fd.h"
#include "station/worker/capture.h"

namespace station::worker {
namespace {

using plist::Plist;
using testing::HasSubstr;
using testing::Not;

Plist Parse(const std::string& body) {
  return *Plist::Parse("<plist version=\"1.0\"><dict>" + body + "</dict></plist>");
}

TEST(Redactor, PayloadsBecomeSizeAndDigest) {
  Redactor redactor;
  EXPECT_EQ(
      redactor.ToJson(Parse("<key>RootTicketData</key><data>AQID</data>").Get()),
      R"({"RootTicketData":{"$data":{"size":3,"sha256":"039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81"}}})");
}

TEST(Redactor, KeepsTheShapeOfEverythingElse) {
  Redactor redactor;
  EXPECT_EQ(
      redactor.ToJson(Parse("<key>MsgType</key><string>ProgressMsg</string><key>Operation</"
                            "key><integer>28</integer>"
                            "<key>Progress</key><integer>-1</integer><key>List</key><array><true/"
                            "><string>a \"b\"\n</string></array>")
                          .Get()),
      R"({"MsgType":"ProgressMsg","Operation":28,"Progress":-1,"List":[true,"a \"b\"\u000a"]})");
}

TEST(Redactor, IdentitiesAreTheSamePlaceholderThroughout) {
  Redactor redactor;
  const auto first = redactor.ToJson(Parse("<key>HardwareInfo</key><dict><key>UniqueChipID</"
                                           "key><integer>1234605616436508552</integer></dict>"
                                           "<key>SerialNumber</key><string>F2LAAAA0XYZ</string>")
                                         .Get());
  EXPECT_EQ(first, R"({"HardwareInfo":{"UniqueChipID":"<ecid-1>"},"SerialNumber":"<serial-1>"})");
  EXPECT_EQ(redactor.ToJson(Parse("<key>ApECID</key><integer>1234605616436508552</"
                                  "integer><key>SRNM</key><string>OTHER000000</string>")
                                .Get()),
            R"({"ApECID":"<ecid-1>","SRNM":"<serial-2>"})");
  EXPECT_THAT(redactor.ToJson(Parse("<key>ChipSerialNo</key><data>AQIDBA==</data><key>IMEI</"
                                    "key><string>350000000000000</string>")
                                  .Get()),
              testing::AllOf(Not(HasSubstr("sha256")), Not(HasSubstr("3500"))))
      << "a digest of four bytes hides nothing";
}

TEST(Redactor, KnownSecretsAreTakenOutOfAnyTextAndNumber) {
  Redactor redactor;
  redactor.AddSecret("udid", "00008101-00050DC10EB8001E");
  redactor.AddSecret("ecid", "1422361434095646");
  EXPECT_EQ(redactor.ToJson(Parse("<key>Log</key><string>for 00008101-00050DC10EB8001E and "
                                  "00008101-00050DC10EB8001E</string>"
                                  "<key>Unheard</key><integer>1422361434095646</integer>")
                                .Get()),
            R"({"Log":"for <udid-1> and <udid-1>","Unheard":"<ecid-1>"})");
}

TEST(Capture, NothingThatNamesThePhoneReachesTheFile) {
  char folder[] = "/tmp/capture.XXXXXX";
  const std::filesystem::path path = std::filesystem::path(::mkdtemp(folder)) / "job-1.jsonl";
  {
    auto capture = Capture::Open(path);
    ASSERT_TRUE(capture);
    (*capture)->Conceal(Ecid{0x00050DC10EB8001E}, "00008101-00050DC10EB8001E", "F2LAAAA0XYZ");
    (*capture)->Note("step", "identify 0x00050dc10eb8001e F2LAAAA0XYZ");
    const std::vector<std::uint8_t> image(10, 7);
    ASSERT_TRUE((*capture)->NoteImage("upload", "iBEC", SourceOf(image)));
    (*capture)->OnMessage({62078, 2}, device::Direction::kFromPhone,
                          Parse("<key>SerialNumber</key><string>F2LAAAA0XYZ</string><key>Type</"
                                "key><string>com.apple.mobile.restored</string>")
                              .Get());
  }
  const std::string text = *ReadFile(path);
  std::filesystem::remove_all(path.parent_path());
  for (const char* secret : {"50dc10eb8001e", "50DC10EB8001E", "1422361434", "F2LAAAA0XYZ"})
    EXPECT_THAT(text, Not(HasSubstr(secret)));
  EXPECT_THAT(
      text,
      HasSubstr(
          R"("port":62078,"connection":2,"to":"host","message":{"SerialNumber":"<serial-1>","Type":"com.apple.mobile.restored"}})"));
  EXPECT_THAT(text, HasSubstr(R"("upload":{"text":"iBEC","size":10,"sha256":")"));
  EXPECT_EQ(std::ranges::count(text, '\n'), 3);
}

TEST(Capture, AStreamOfPiecesIsWrittenOnceAndCounted) {
  char folder[] = "/tmp/capture.XXXXXX";
  const std::filesystem::path path = std::filesystem::path(::mkdtemp(folder)) / "job-1.jsonl";
  {
    auto capture = Capture::Open(path);
    ASSERT_TRUE(capture);
    for (int i = 0; i < 100; ++i)
      (*capture)->OnMessage({49152, 5}, device::Direction::kToPhone,
                            Parse("<key>FileData</key><data>AQID</data>").Get());
    (*capture)->OnMessage({49152, 5}, device::Direction::kToPhone,
                          Parse("<key>FileDataDone</key><true/>").Get());
  }
  const std::string text = *ReadFile(path);
  std::filesystem::remove_all(path.parent_path());
  EXPECT_EQ(std::ranges::count(text, '\n'), 3) << text;
  EXPECT_THAT(text, HasSubstr("\"pieces\":100"));
}

}  // namespace
}  // namespace station::worker
