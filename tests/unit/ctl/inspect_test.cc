// `stationctl firmware inspect`: what it says of a small archive, of manifests alone, and of what
// is no firmware.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "station/ctl/failure.h"
#include "station/ctl/inspect_text.h"
#include "tests/unit/ctl/program.h"
#include "tests/unit/store/zip_writer.h"

namespace station::ctl {
namespace {

using ::testing::HasSubstr;

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/inspect.XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::filesystem::path Write(const std::string& name,
                                            const std::string& content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

// The shortest honest digests: only their length says what they are.
std::string Digest(int bytes) {
  return "<key>Digest</key><data>" + std::string(static_cast<std::size_t>(bytes / 3 * 4), 'A') +
         "</data>";
}

std::string Entry(const std::string& name, const std::string& path, const std::string& info = "",
                  bool trusted = true) {
  return "<key>" + name + "</key><dict>" + Digest(48) +
         (trusted ? "<key>Trusted</key><true/>" : "") +
         "<key>Info</key><dict><key>Path</key><string>" + path + "</string>" + info +
         "</dict></dict>";
}

const std::string kRules =
    "<key>RestoreRequestRules</key><array>"
    "<dict><key>Conditions</key><dict><key>ApRawProductionMode</key><true/></dict><key>Actions</"
    "key><dict><key>EPRO</key><true/></dict></dict>"
    "<dict><key>Conditions</key><dict><key>ApRawSecurityMode</key><false/></dict><key>Actions</"
    "key><dict><key>ESEC</key><false/></dict></dict>"
    "<dict><key>Conditions</key><dict><key>ApDemotionPolicyOverride</key><string>Demote</string></"
    "dict>"
    "<key>Actions</key><dict><key>EPRO</key><false/></dict></dict></array>";

std::string IdentityXml(const std::string& board, const std::string& behaviour,
                        const std::string& extra_components = "") {
  return "<dict><key>ApChipID</key><string>0x8015</string><key>ApBoardID</key><string>0x02</"
         "string><key>Info</key><dict>"
         "<key>DeviceClass</key><string>" +
         board + "</string><key>RestoreBehavior</key><string>" + behaviour +
         "</string><key>Variant</key><string>Customer " + behaviour +
         "</string></dict><key>Manifest</key><dict>" + Entry("iBSS", "iBSS.im4p") +
         Entry("iBEC", "iBEC.im4p", kRules) + Entry("RestoreRamDisk", "ramdisk.dmg") +
         Entry("RestoreDeviceTree", "tree.im4p") + Entry("RestoreKernelCache", "kernel") +
         Entry("KernelCache", "kernel") +
         Entry("DeviceTree", "tree.im4p", "<key>IsFirmwarePayload</key><true/>") +
         Entry("LLB", "LLB.im4p", "<key>IsFirmwarePayload</key><true/>") +
         Entry("OS", "os.dmg", "<key>Personalize</key><false/>") + extra_components +
         "</dict></dict>";
}

std::string ManifestXml(const std::string& identities) {
  return "<plist "
         "version=\"1.0\"><dict><key>ProductVersion</key><string>15.8</"
         "string><key>ProductBuildVersion</key><string>19H999</string>"
         "<key>SupportedProductTypes</key><array><string>iPhone10,1</string></"
         "array><key>BuildIdentities</key><array>" +
         identities + "</array></dict></plist>";
}

std::string Archive(const std::string& manifest) {
  using station::testing::ZipPart;
  std::vector<ZipPart> parts = {
      {.name = "BuildManifest.plist", .content = manifest, .deflate = true}};
  const std::pair<const char*, std::size_t> members[] = {
      {"iBSS.im4p", 1000}, {"iBEC.im4p", 2000}, {"ramdisk.dmg", 300000},
      {"tree.im4p", 4000}, {"kernel", 50000},   {"LLB.im4p", 6000}};
  for (const auto& [name, size] : members)
    parts.push_back({.name = name, .content = std::string(size, 'x')});
  parts.push_back({.name = "os.dmg", .content = std::string(400000, 'o'), .deflate = true});
  return station::testing::MakeZip(parts).bytes;
}

FirmwareFile Read(const std::filesystem::path& path) {
  auto file = ReadFirmwareFile(path);
  if (!file) throw std::runtime_error(file.error().context);
  return std::move(*file);
}

TEST(FirmwareInspect, ArchiveInOrderOfUseAt80Columns) {
  const Folder folder;
  const std::string chips =
      Entry("Savage,B0-Prod-Patch", "LLB.im4p", "", false) +
      Entry("Foo,Firmware", "LLB.im4p", "", false) +
      "<key>ftap</key><dict><key>Trusted</key><true/><key>Info</key><dict/></dict>";
  const FirmwareFile file =
      Read(folder.Write("a.ipsw", Archive(ManifestXml(IdentityXml("d20ap", "Erase", chips)))));
  const auto inspection =
      firmware::Inspect(file.manifest, "D20AP", Action::kErase, &*file.members, 500000000);
  ASSERT_TRUE(inspection) << inspection.error().context;
  EXPECT_EQ(RenderInspection(file, *inspection, Screen{.width = 80}),
            R"(15.8 (19H999) for iPhone10,1

   BOARD  CHIP     DOES   VARIANT
>  d20ap  8015/02  Erase  Customer Erase

d20ap, Erase: the only one of 1 for board d20ap with RestoreBehavior Erase and without Research

In DFU mode, over USB control transfers
COMPONENT    SIZE  TYPE  SIGNED BY  DIGEST   FOR         FILE
iBSS       1.0 kB  ibss  AP         SHA-384  port reset  iBSS.im4p

In recovery mode (or to iBSS)
COMPONENT    SIZE  TYPE  SIGNED BY  DIGEST   FOR  FILE
iBEC       2.0 kB  ibec  AP         SHA-384  go   iBEC.im4p

To iBEC, up to the restore OS
COMPONENT             SIZE  TYPE  SIGNED BY  DIGEST   FOR         FILE
RestoreRamDisk      300 kB  rdsk  AP         SHA-384  ramdisk     ramdisk.dmg
RestoreDeviceTree   4.0 kB  rdtr  AP         SHA-384  devicetree  tree.im4p
RestoreKernelCache   50 kB  rkrn  AP         SHA-384  bootx       kernel

Boot firmware, in one answer
COMPONENT     SIZE  TYPE  SIGNED BY  DIGEST   FOR      FILE
DeviceTree  4.0 kB  dtre  AP         SHA-384  NORData  tree.im4p
LLB         6.0 kB  illb  AP         SHA-384  NORData  LLB.im4p

The system image, streamed
COMPONENT             SIZE  TYPE  SIGNED BY  DIGEST   FOR              FILE
OS         400 kB deflated  rosi  AP         SHA-384  SystemImageData  os.dmg

To be installed beside it
COMPONENT      SIZE  TYPE  SIGNED BY  DIGEST   FOR          FILE
KernelCache   50 kB  krnl  AP         SHA-384  KernelCache  kernel
DeviceTree   4.0 kB  dtre  AP         SHA-384  DeviceTree   tree.im4p

Chips with tickets of their own, when asked for
COMPONENT               SIZE  TYPE  SIGNED BY  DIGEST   FOR             FILE
Savage,B0-Prod-Patch  6.0 kB        Savage     SHA-384  FirmwareUpd...  LLB.im4p
Foo,Firmware          6.0 kB        Foo        SHA-384  FirmwareUpd...  LLB.im4p

In the ticket only
COMPONENT  SIZE  TYPE  SIGNED BY  DIGEST  FOR  FILE
ftap             ftap  AP

Tickets: AP, Savage, Foo
Asked for with EPRO: iBEC
Asked for with EPRO ESEC: 9 components
On the station's disk: 500 MB, and 400 kB for the system image, which is deflated in it
To each phone: 820 kB; 827 kB if it asks for everything
Note: Foo: not known by name; served if the phone brings its own request
Nothing in it is beyond this station.
)");
}

struct Question {
  const char* name;
  const char* identities[3];  // board and behaviour, "d20ap Erase"
  std::vector<std::string> words;
  ExitCode exit_code;
  const char* says;
};
void PrintTo(const Question& question, std::ostream* out) { *out << question.name; }

class InspectedManifest : public ::testing::TestWithParam<Question> {};

TEST_P(InspectedManifest, EndsAsItShould) {
  std::string identities;
  for (const char* identity : GetParam().identities) {
    if (identity == nullptr) continue;
    const std::string text = identity;
    identities += IdentityXml(text.substr(0, text.find(' ')), text.substr(text.find(' ') + 1));
  }
  const Folder folder;
  std::vector<std::string> words = {STATIONCTL, "firmware", "inspect",
                                    folder.Write("BuildManifest.plist", ManifestXml(identities))};
  words.insert(words.end(), GetParam().words.begin(), GetParam().words.end());
  // No station anywhere: it is not asked.
  const Ended ended = Program(words, {{"STATION_RUN_DIR", "/nonexistent"}}, "").Wait();
  EXPECT_EQ(ended.exit_code, static_cast<int>(GetParam().exit_code)) << ended.err;
  EXPECT_THAT(ended.out + ended.err, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    FirmwareInspect, InspectedManifest,
    ::testing::Values(
        Question{"only_board_is_taken",
                 {"d20ap Erase", "d20ap Update"},
                 {},
                 ExitCode::kOk,
                 "d20ap, Erase: the only one of 2"},
        Question{"update",
                 {"d20ap Erase", "d20ap Update"},
                 {"--action", "update"},
                 ExitCode::kOk,
                 "d20ap, Update:"},
        Question{"several_boards_are_listed",
                 {"d20ap Erase", "d22ap Erase"},
                 {},
                 ExitCode::kOk,
                 "choose one with --board"},
        Question{"board_it_is_not_for",
                 {"d20ap Erase"},
                 {"--board", "d22ap"},
                 ExitCode::kFirmware,
                 "candidates: d20ap 'Customer Erase' (Erase)"},
        Question{"ambiguous",
                 {"d20ap Erase", "d20ap Erase"},
                 {"--board", "d20ap"},
                 ExitCode::kFirmware,
                 "more than one Erase for d20ap in 15.8 (19H999): d20ap 'Customer Erase' (Erase); "
                 "d20ap 'Customer Erase' (Erase)"},
        Question{"json", {"d20ap Erase"}, {"--json"}, ExitCode::kOk, R"("tickets":["AP"])"},
        Question{
            "unknown_action", {"d20ap Erase"}, {"--action", "wipe"}, ExitCode::kUsage, "--action"}),
    [](const auto& row) { return row.param.name; });

TEST(FirmwareInspect, WhatIsMissingIsBeyondTheStation) {
  std::string manifest =
      ManifestXml(IdentityXml("d20ap", "Erase", Entry("RestoreLogo", "gone.im4p")));
  manifest.replace(manifest.find("<key>iBEC"), 9, "<key>iBXX");
  const Folder folder;
  const FirmwareFile file = Read(folder.Write("a.ipsw", Archive(manifest)));
  const auto inspection =
      firmware::Inspect(file.manifest, "d20ap", Action::kErase, &*file.members, file.size);
  ASSERT_TRUE(inspection);
  EXPECT_THAT(inspection->beyond, ::testing::Contains(HasSubstr("no file for iBEC")));
  const Ended ended =
      Program({STATIONCTL, "firmware", "inspect", folder.Write("a.ipsw", Archive(manifest))}, {},
              "")
          .Wait();
  EXPECT_EQ(ended.exit_code, static_cast<int>(ExitCode::kFirmware));
}

TEST(FirmwareInspect, RefusesWhatIsNoFirmware) {
  const Folder folder;
  for (const auto& [content, code] : std::initializer_list<std::pair<std::string, ErrorCode>>{
           {"", ErrorCode::kFirmwareMalformed},
           {"PK\3\4 and then nothing", ErrorCode::kFirmwareMalformed},
           {"a letter home", ErrorCode::kFirmwareMalformed}}) {
    const auto file = ReadFirmwareFile(folder.Write("x", content));
    ASSERT_FALSE(file) << content;
    EXPECT_EQ(file.error().code, code) << content;
  }
  EXPECT_EQ(ReadFirmwareFile("/nonexistent/x.ipsw").error().code, ErrorCode::kFirmwareUnreadable);
}

}  // namespace
}  // namespace station::ctl
