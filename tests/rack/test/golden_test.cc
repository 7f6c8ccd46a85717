// Whole restores on the rack, step by step as the reference describes them: with idevicerestore
// 1.0.0, and with a host that announces what current ones do.

#include "tests/rack/test/golden.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/rack/test/rack_process.h"
#include "tests/rack/test/scripted_host.h"

namespace rack {
namespace {

struct OldHost {
  const char* name;
  const char* golden;
  const char* action;
  const char* manifest;
  const char* phone;  // product, and the mode it starts in
};
void PrintTo(const OldHost& row, std::ostream* out) { *out << row.name; }

class GoldenOldHost : public testing::TestWithParam<OldHost> {};

TEST_P(GoldenOldHost, SaysAndHearsWhatTheReferenceDescribes) {
  const RackProcess rack(
      std::string("phones: [{name: phone, port: \"1-1\", ecid: \"0xA1B2C3D4E0201\", ask_fud: "
                  "true, timing: {finish: 1}, ") +
      GetParam().phone + "}]");
  std::vector<std::string> command = {
      "idevicerestore",  "-y", "-s",          "-i",
      "0xA1B2C3D4E0201", "-C", rack.Folder(), ForgedFirmware(GetParam().manifest)};
  if (std::string_view(GetParam().action) == "erase") command.insert(command.begin() + 1, "-e");
  const Finished restore = rack.Exec("phone", command);
  ASSERT_EQ(restore.code, 0) << restore.output.substr(
      restore.output.size() > 2000 ? restore.output.size() - 2000 : 0);
  const Value phone = rack.AwaitStatus("phone", [](const Value& status) {
    return status.Text("mode") == "normal" && status.Number("restores_completed") == 1U;
  });
  EXPECT_EQ(phone.Number("restores_completed"), 1U);
  ExpectGolden(ReadRecording(rack.Folder() / "dir" / "recordings" / "phone.jsonl"),
               GetParam().golden, GetParam().action);
}

INSTANTIATE_TEST_SUITE_P(
    Table, GoldenOldHost,
    testing::Values(OldHost{"A9Ios12Erase", "a9_ios12_old_host.txt", "erase",
                            "iphone6s_ios12.plist", "product: \"iPhone8,1\", mode: recovery"},
                    OldHost{"A9Ios12Update", "a9_ios12_old_host.txt", "update",
                            "iphone6s_ios12.plist", "product: \"iPhone8,1\", mode: recovery"},
                    OldHost{"A11Ios15Erase", "a11_ios15_old_host.txt", "erase",
                            "iphone8_ios15.plist", "product: \"iPhone10,1\", mode: dfu"},
                    OldHost{"A11Ios15Update", "a11_ios15_old_host.txt", "update",
                            "iphone8_ios15.plist", "product: \"iPhone10,1\", mode: dfu"}),
    [](const auto& row) { return row.param.name; });

class GoldenCurrentHost : public testing::TestWithParam<const char*> {};

TEST_P(GoldenCurrentHost, A14Ios26SaysAndHearsWhatTheReferenceDescribes) {
  TestFirmware firmware = NewFirmware();
  firmware.behaviour = GetParam() == std::string_view("erase") ? "Erase" : "Update";
  const std::filesystem::path file =
      testing::TempDir() + "/rackgolden_" + std::to_string(getpid()) + ".jsonl";
  {
    RestoreModePhone bench("iPhone13,2", firmware);
    bench.phone->RecordTo(file);
    ScriptedHost host(bench, firmware, ScriptedHost::Kind::kCurrent);
    const auto status = host.Run();
    EXPECT_EQ(status.value_or(Value()).Number("Status"), 0U)
        << bench.phone->State().last_error.detail;
  }
  ExpectGolden(ReadRecording(file), "a14_ios26_current_host.txt", GetParam());
  std::filesystem::remove(file);
}

INSTANTIATE_TEST_SUITE_P(Table, GoldenCurrentHost, testing::Values("erase", "update"),
                         [](const auto& row) { return std::string(row.param); });

// What a golden file is compared with has to differ when something is missing, said twice, or said
// at another time; else the comparison proves nothing.
TEST(Golden, NoticesWhatIsMissingRepeatedOrElsewhere) {
  const auto event = [](Value what) {
    return RecordedEvent{.channel = "restored", .kind = "message", .what = std::move(what)};
  };
  const Value first = Value::Dict{{"MsgType", "DataRequestMsg"}, {"DataType", "RootTicket"}};
  const Value second = Value::Dict{{"MsgType", "StatusMsg"}, {"Status", 0}};
  const auto steps = StepsOf({event(first), event(second)});
  EXPECT_EQ(steps, (std::vector<std::string>{"< restored DataRequestMsg RootTicket",
                                             "< restored StatusMsg 0"}));
  EXPECT_NE(steps, StepsOf({event(first)}));
  EXPECT_NE(steps, StepsOf({event(first), event(second), event(second)}));
  EXPECT_NE(steps, StepsOf({event(second), event(first)}));
}

}  // namespace
}  // namespace rack
