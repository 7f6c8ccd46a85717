// Every action of Debian's irecovery 1.0.0, against recovery and DFU mode. It exits 0 whatever the
// phone thinks of it, so what counts is what the rack says of the phone afterwards.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "tests/rack/test/rack_process.h"
#include "tests/rack/test/signed_images.h"

namespace rack {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kCart = R"(phones:
  - {name: rec, port: "1-1", product: "iPhone10,1", ecid: "0xA1B2C3D4E0001", serial: F2LAAAAAAAAA, mode: recovery}
  - {name: rom, port: "1-2", product: "iPhone10,6", ecid: "0xA1B2C3D4E0002", mode: dfu, dfu_nonce_changes: true}
  - {name: old, port: "1-3", product: "iPhone8,1", ecid: "0xA1B2C3D4E0003", mode: dfu}
  - {name: new, port: "1-4", product: "iPhone15,3", ecid: "0xA1B2C3D4E0004", mode: recovery}
  - {name: ios, port: "1-5", product: "iPhone10,1", ecid: "0xA1B2C3D4E0005"}
)";

// The value behind "NAME: " in what `irecovery -q` said.
std::string Field(const std::string& output, const std::string& name) {
  const std::size_t at = output.find(name + ": ");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + name.size() + 2;
  return output.substr(begin, output.find('\n', begin) - begin);
}

Bytes FromHex(const std::string& text) {
  Bytes bytes;
  for (std::size_t at = 0; at + 1 < text.size(); at += 2)
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(text.substr(at, 2), nullptr, 16)));
  return bytes;
}

class IrecoveryMatrix : public testing::Test {
 protected:
  [[nodiscard]] std::string Irecovery(const std::string& phone,
                                      std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "irecovery");
    const Finished finished = rack_.Exec(phone, arguments);
    EXPECT_EQ(finished.code, 0) << finished.output;
    return finished.output;
  }

  // The interactive shell, which never ends by itself.
  [[nodiscard]] std::string Shell(const std::string& phone, std::string lines) const {
    Write("shell", lines + "/exit\n");
    return rack_
        .Exec(phone, {"sh", "-c", "cd " + rack_.Folder().string() + " && irecovery -s < shell"})
        .output;
  }

  std::string Write(const std::string& name, std::string_view content) const {
    const std::string path = rack_.Folder() / name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  [[nodiscard]] std::string Probe(const std::string& phone,
                                  std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), RACK_USB_PROBE);
    return rack_.Exec(phone, arguments).output;
  }

  [[nodiscard]] std::string Text(const std::string& phone, const char* key) const {
    return rack_.Status(phone).Text(key);
  }
  [[nodiscard]] std::string AwaitStage(const std::string& phone, const std::string& stage) const {
    return rack_
        .AwaitStatus(phone, [&](const Value& status) { return status.Text("stage") == stage; })
        .Text("stage");
  }
  // Nothing has made it start anything.
  void ExpectUntouched(const std::string& phone, const Value& before) const {
    const Value now = rack_.Status(phone);
    EXPECT_EQ(now.Text("stage"), before.Text("stage"));
    EXPECT_EQ(now.Number("boots"), before.Number("boots"));
  }

  RackProcess rack_{kCart};
};

TEST_F(IrecoveryMatrix, Query_RecoveryMode) {
  const std::string said = Irecovery("rec", {"-q"});
  for (const auto& [name, value] :
       std::map<std::string, std::string>{{"CPID", "0x8015"},
                                          {"CPRV", "0x11"},
                                          {"BDID", "0x02"},
                                          {"ECID", "0x000a1b2c3d4e0001"},
                                          {"CPFM", "0x03"},
                                          {"SCEP", "0x01"},
                                          {"IBFL", "0x3d"},
                                          {"SRTG", "N/A"},
                                          {"SRNM", "F2LAAAAAAAAA"},
                                          {"MODE", "Recovery"}})
    EXPECT_EQ(Field(said, name), value) << name;
  EXPECT_EQ(Field(said, "NONC").size(), 64U);
  EXPECT_EQ(Field(said, "SNON").size(), 40U);
}

TEST_F(IrecoveryMatrix, Query_DfuMode) {
  const std::string said = Irecovery("rom", {"-q"});
  EXPECT_EQ(Field(said, "CPID"), "0x8015");
  EXPECT_EQ(Field(said, "BDID"), "0x0e");
  EXPECT_EQ(Field(said, "IBFL"), "0x3c");
  EXPECT_EQ(Field(said, "SRTG"), "iBoot-3332.0.0.1.23");
  EXPECT_EQ(Field(said, "SRNM"), "N/A");  // a boot ROM does not know it
  EXPECT_EQ(Field(said, "MODE"), "DFU");
  EXPECT_EQ(Field(said, "NONC").size(), 64U);
}

TEST_F(IrecoveryMatrix, Query_OtherGenerations) {
  const std::string old = Irecovery("old", {"-q"});
  EXPECT_EQ(Field(old, "CPID"), "0x8000");
  EXPECT_EQ(Field(old, "NONC").size(), 40U);  // SHA-1 generation
  const std::string later = Irecovery("new", {"-q"});
  EXPECT_EQ(Field(later, "CPID"), "0x8120");
  EXPECT_EQ(Field(later, "MODE"), "Recovery");
}

TEST_F(IrecoveryMatrix, Mode) {
  EXPECT_EQ(Irecovery("rec", {"-m"}), "Recovery Mode\n");
  EXPECT_EQ(Irecovery("rom", {"-m"}), "DFU Mode\n");
}

TEST_F(IrecoveryMatrix, Ecid_ChoosesAmongAllPhones) {
  EXPECT_EQ(Field(Irecovery("", {"-i", "0xA1B2C3D4E0001", "-q"}), "BDID"), "0x02");
  EXPECT_EQ(Field(Irecovery("", {"-i", "0xA1B2C3D4E0002", "-q"}), "BDID"), "0x0e");
}

TEST_F(IrecoveryMatrix, NormalMode_IsNotItsBusiness) {
  const Finished finished = rack_.Exec("ios", {"irecovery", "-m"});
  EXPECT_NE(finished.code, 0);
  EXPECT_THAT(finished.output, HasSubstr("Unable to connect"));
}

TEST_F(IrecoveryMatrix, Verbose_NamesTheProduct) {
  EXPECT_THAT(Irecovery("rec", {"-v", "-m"}), HasSubstr("Connected to iPhone10,1, model d20ap"));
  EXPECT_THAT(Irecovery("rom", {"-v", "-m"}), HasSubstr("Connected to iPhone10,6, model d221ap"));
  EXPECT_THAT(Irecovery("old", {"-v", "-m"}), HasSubstr("Connected to iPhone8,1, model n71ap"));
  // Its table ends in 2020.
  EXPECT_THAT(Irecovery("new", {"-v", "-m"}), Not(HasSubstr("Connected to")));
}

struct Variable {
  const char* name;
  const char* value;
};

TEST_F(IrecoveryMatrix, Getenv) {
  const std::vector<Variable> variables = {
      {"build-version", "iBoot-"},    {"build-style", "RELEASE"}, {"boot-stage", "2"},
      {"ramdisk-size", "0x10000000"}, {"ramdisk-delay", "2000"},  {"radio-error", "0"},
      {"auto-boot", "false"},         {"filesize", "0x3"},        {"loadaddr", "0x801000000"},
      {"config_board", "D20"},
  };
  (void)Irecovery("rec", {"-f", Write("three", "abc")});
  std::string lines;
  for (const Variable& variable : variables) lines += "getenv " + std::string(variable.name) + "\n";
  std::string said = Shell("rec", lines + "getenv no-such-variable\ngetenv boot-stage\n");
  for (const Variable& variable : variables) {
    const std::size_t asked = said.find("getenv " + std::string(variable.name));
    ASSERT_NE(asked, std::string::npos) << said;
    said.erase(0, said.find('\n', asked) + 1);
    EXPECT_THAT(said.substr(0, said.find('\n')), HasSubstr(variable.value)) << variable.name;
  }
  EXPECT_THAT(said, HasSubstr("no-such-variable\n\n"));  // an empty line
  EXPECT_THAT(said, HasSubstr("boot-stage\n2\n"));       // and it goes on
}

TEST_F(IrecoveryMatrix, Setenv_LastsOnlyWhenSaved) {
  (void)Irecovery("rec", {"-c", "setenv auto-boot true"});
  (void)Irecovery("rec", {"-c", "setenvnp auto-boot true"});
  EXPECT_THAT(Shell("rec", "getenv auto-boot\n"), HasSubstr("\ntrue\n"));
  const std::uint64_t boots = *rack_.Status("rec").Number("boots");
  (void)Irecovery("rec", {"-c", "reboot"});
  const Value again =
      rack_.AwaitStatus("rec", [&](const Value& p) { return p.Number("boots") != boots; });
  EXPECT_EQ(again.Text("stage"), "iboot");
  EXPECT_THAT(Shell("rec", "getenv auto-boot\n"), HasSubstr("\nfalse\n"));
  for (const char* command : {"setenv auto-boot true", "saveenv", "reboot"})
    (void)Irecovery("rec", {"-c", command});
  EXPECT_EQ(AwaitStage("rec", "normal"), "normal");
}

TEST_F(IrecoveryMatrix, Normal_LeavesRecoveryMode) {
  (void)Irecovery("rec", {"-n"});
  EXPECT_EQ(AwaitStage("rec", "normal"), "normal");
}

TEST_F(IrecoveryMatrix, Script_RunsLineByLine) {
  const std::string script =
      Write("script", "# leave recovery mode\nsetenv auto-boot true\nsaveenv\nreboot\n");
  (void)Irecovery("rec", {"-e", script});
  EXPECT_EQ(AwaitStage("rec", "normal"), "normal");
}

TEST_F(IrecoveryMatrix, Shell_UploadsRunsAndShowsTheConsole) {
  Write("file", "not an image");
  Write("commands", "setenv auto-boot true\n");  // it loses its place after the first line
  const std::string said =
      Shell("rec",
            "/help\n/deviceinfo\n/upload file\ngetenv filesize\nfrobnicate\n/execute commands\n"
            "saveenv\n");
  EXPECT_THAT(said, HasSubstr("iBoot-6723.140.2 RELEASE D20\n"));  // what it says at first
  EXPECT_THAT(said, HasSubstr("SRNM: F2LAAAAAAAAA"));
  EXPECT_THAT(said, HasSubstr("filesize\n0xc\n"));
  EXPECT_THAT(said, HasSubstr("frobnicate: not done"));
  (void)Irecovery("rec", {"-c", "reboot"});
  EXPECT_EQ(AwaitStage("rec", "normal"), "normal");
}

TEST_F(IrecoveryMatrix, CommandsWithoutEffect_LeaveRecoveryModeAsItIs) {
  const Value before = rack_.Status("rec");
  const std::string file = Write("file", "not an image");
  const std::vector<std::vector<std::string>> actions = {{"-c", "bgcolor 255 255 255"},
                                                         {"-c", "setpicture 4"},
                                                         {"-c", "frobnicate"},
                                                         {"-c", ""},
                                                         {"-c", "getenv"},
                                                         {"-c", "setenv"},
                                                         {"-r"},
                                                         {"-f", file},
                                                         {"-k", file},
                                                         {"-f", "/no/such/file"}};
  for (const auto& action : actions) (void)Irecovery("rec", action);
  ExpectUntouched("rec", before);
  EXPECT_EQ(Text("rec", "last_error"), "none");
  EXPECT_EQ(Field(Irecovery("rec", {"-q"}), "MODE"), "Recovery");
}

struct Order {
  const char* command;
  const char* empty;    // what it says when nothing was uploaded
  const char* garbage;  // and when no image was
};

TEST_F(IrecoveryMatrix, ImagesAreJudgedByTheCommandThatUsesThem) {
  const std::string file = Write("file", "not an image");
  const Value before = rack_.Status("rec");
  for (const Order& order : {Order{"go", "refused_order", "refused_malformed"},
                             Order{"setpicture 4", nullptr, "refused_malformed"},
                             Order{"ramdisk", "refused_order", "refused_order"},
                             Order{"devicetree", "refused_order", "refused_order"},
                             Order{"firmware", "refused_order", "refused_order"},
                             Order{"rsepfirmware", "refused_order", "refused_order"},
                             Order{"bootx", "refused_order", "refused_order"}}) {
    if (order.empty != nullptr) {
      (void)Irecovery("rec", {"-c", order.command});
      EXPECT_EQ(Text("rec", "last_error"), order.empty) << order.command;
    }
    (void)Irecovery("rec", {"-f", file});
    (void)Irecovery("rec", {"-c", order.command});
    EXPECT_EQ(Text("rec", "last_error"), order.garbage) << order.command;
  }
  ExpectUntouched("rec", before);
}

TEST_F(IrecoveryMatrix, LongCommand_ArrivesCutAt256BytesWithoutItsEnd) {
  const std::string name = "setenv boot-args ";
  (void)Irecovery("rec", {"-c", name + std::string(300, 'x')});
  const std::string said = Shell("rec", "getenv boot-args\ngetenv build-style\n");
  EXPECT_THAT(said, HasSubstr("\n" + std::string(256 - name.size(), 'x') + "\n"));
  EXPECT_THAT(said, HasSubstr("RELEASE"));
}

TEST_F(IrecoveryMatrix, CommandsTakeBothRequestNumbersAndNothingLongerThan256Bytes) {
  for (const char* request : {"0", "1"}) {
    EXPECT_EQ(Probe("rec", {"command", "1-1", "getenv build-style", request}), "command 19\n");
    EXPECT_EQ(Probe("rec", {"in", "1-1", "0xC0", request, "255"}),
              "in 8 52 45 4c 45 41 53 45 00\n");
  }
  EXPECT_EQ(Probe("rec", {"command", "1-1", std::string(255, ' ')}), "command 256\n");
  EXPECT_EQ(Probe("rec", {"command", "1-1", std::string(256, ' ')}), "command LIBUSB_ERROR_PIPE\n");
  const std::uint64_t boots = *rack_.Status("rec").Number("boots");
  EXPECT_EQ(Probe("rec", {"command", "1-1", "reboot", "1"}), "command 7\n");
  EXPECT_NE(rack_.AwaitStatus("rec", [&](const Value& p) { return p.Number("boots") != boots; })
                .Number("boots"),
            boots);
}

TEST_F(IrecoveryMatrix, UploadIsReadBackInPieces) {
  (void)Irecovery("rec", {"-f", Write("file", "abcde")});
  EXPECT_EQ(Probe("rec", {"in", "1-1", "0xA1", "2", "3"}), "in 3 61 62 63\n");
  EXPECT_EQ(Probe("rec", {"in", "1-1", "0xA1", "2", "0x800"}), "in 2 64 65\n");
  EXPECT_EQ(Probe("rec", {"in", "1-1", "0xA1", "2", "0x800"}), "in 0\n");
  EXPECT_EQ(Probe("rom", {"in", "1-2", "0xA1", "2", "0x800"}), "in LIBUSB_ERROR_PIPE\n");
}

TEST_F(IrecoveryMatrix, DfuMode_KnowsNoCommands) {
  const Value before = rack_.Status("rom");
  const std::string script = Write("script", "setenv auto-boot true\nreboot\n");
  for (const auto& action : std::vector<std::vector<std::string>>{
           {"-n"}, {"-r"}, {"-c", "reboot"}, {"-c", "setenv auto-boot false"}, {"-e", script}})
    (void)Irecovery("rom", action);
  (void)Shell("rom", "getenv build-version\nreboot\n");
  ExpectUntouched("rom", before);
  EXPECT_EQ(Text("rom", "last_error"), "none");
}

TEST_F(IrecoveryMatrix, DfuMode_StaysWhenTheFileIsNoIbss) {
  const std::string nonce = Field(Irecovery("rom", {"-q"}), "NONC");
  const std::uint64_t boots = *rack_.Status("rom").Number("boots");
  EXPECT_THAT(Irecovery("rom", {"-v", "-f", Write("file", std::string(5000, 'x'))}),
              HasSubstr("successfully"));
  const Value phone =
      rack_.AwaitStatus("rom", [&](const Value& p) { return p.Number("boots") != boots; });
  EXPECT_EQ(phone.Text("stage"), "dfu");
  EXPECT_EQ(phone.Text("last_error"), "refused_malformed");
  EXPECT_EQ(Field(Irecovery("rom", {"-q"}), "NONC"), nonce);
}

TEST_F(IrecoveryMatrix, DfuMode_IsNotHurtByAnUnfinishedPayload) {
  const Value before = rack_.Status("rom");
  const std::string file = Write("file", std::string(5000, 'x'));
  // A payload is not finished, and what is to set it off is no request of the boot ROM.
  (void)Irecovery("rom", {"-k", file});
  EXPECT_THAT(Irecovery("rom", {"-v", "-k", file}), HasSubstr("Unable to upload"));
  ExpectUntouched("rom", before);
  EXPECT_THAT(Irecovery("rom", {"-v", "-f", file}), HasSubstr("successfully"));  // cleared by now
}

// A whole boot by hand, from the boot ROM to restore mode, under two tickets.
class IrecoveryBoot : public IrecoveryMatrix {
 protected:
  // The phone as a host knows it: from its cart, and from what it shows.
  void LookAt() {
    const std::string shown = Irecovery("rom", {"-q"});
    phone_.Change([&](PhoneState& state) {
      state.ap_nonce = FromHex(Field(shown, "NONC"));
      state.sep_nonce = FromHex(Field(shown, "SNON"));
    });
    images_.Sign();
  }
  void Send(const std::string& type) {
    const Bytes image = images_.Image(type);
    (void)Irecovery("rom", {"-f", Write(type, AsText(image))});
  }
  void Run(const std::string& command) { (void)Irecovery("rom", {"-c", command}); }

  Phone phone_{ParseCart(kCart, "", TestProducts())->at(1), TestRoot(), ""};
  SignedImages images_{phone_};
};

TEST_F(IrecoveryBoot, GoesFromTheBootRomToRestoreMode) {
  LookAt();
  const Bytes rom_nonce = phone_.State().ap_nonce;
  Send("ibss");
  ASSERT_EQ(AwaitStage("rom", "ibss"), "ibss") << Text("rom", "last_error_detail");
  EXPECT_THAT(Shell("rom", "getenv boot-stage\n"), HasSubstr("boot-stage\n1\n"));

  Send("ibec");  // under the boot ROM's nonce, which is no longer in force
  Run("go");
  EXPECT_EQ(Text("rom", "last_error"), "refused_nonce");
  EXPECT_EQ(Text("rom", "stage"), "ibss");
  LookAt();
  EXPECT_NE(phone_.State().ap_nonce, rom_nonce);
  Send("ibec");
  Run("go");
  ASSERT_EQ(AwaitStage("rom", "ibec"), "ibec") << Text("rom", "last_error_detail");
  EXPECT_THAT(Shell("rom", "getenv boot-stage\n"), HasSubstr("boot-stage\n2\n"));

  for (const auto& [type, command] :
       {std::pair("rlgo", "setpicture 4"), std::pair("rtsc", "firmware"),
        std::pair("rdsk", "ramdisk"), std::pair("rdtr", "devicetree")}) {
    Send(type);
    Run(command);
    EXPECT_THAT(Text("rom", "last_error"), "refused_nonce") << command;  // still the last one
  }
  Run("bgcolor 0 0 0");
  Run("setenv boot-args rd=md0 nand-enable-reformat=1 -progress");
  Send("rkrn");
  Run("bootx");
  EXPECT_EQ(AwaitStage("rom", "restore"), "restore") << Text("rom", "last_error_detail");
}

}  // namespace
}  // namespace rack
