// The stationctl binary against a fake station: what it prints, what it sends, how it ends.

#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "tests/unit/ctl/fake_station.h"
#include "tests/unit/ctl/program.h"

namespace station::ctl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

Ended Ask(const FakeStation& fake, std::vector<std::string> words, const std::string& input = "") {
  words.insert(words.begin(), STATIONCTL);
  return Program(words, {{"STATION_SOCKET", fake.Socket()}, {"USER", "mara"}}, input).Wait();
}

Script TwoPorts() {
  Script script;
  script.ports = {MakePort("A2", v1::PORT_STATE_EMPTY), MakePort("A1", v1::PORT_STATE_IDLE)};
  return script;
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

template <typename Message>
Message FromJson(const std::string& json) {
  Message message;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &message).ok()) << json;
  return message;
}

TEST(StationctlPorts, ListsThemInTheOrderOfTheirLabels) {
  const FakeStation fake(TwoPorts());
  const Ended ended = Ask(fake, {"ports"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(ended.out,
            "PORT  PRODUCT   MODE    STATE  STEP  %\n"
            "A1    iPhone 8  normal  idle\n"
            "A2                      empty\n");
  EXPECT_EQ(ended.err, "");
}

TEST(StationctlPorts, JsonIsTheResponseWithTheNamesOfTheApi) {
  const FakeStation fake(TwoPorts());
  const Ended ended = Ask(fake, {"ports", "--json"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(Lines(ended.out), SizeIs(1));
  EXPECT_THAT(ended.out, HasSubstr("\"product_name\":\"iPhone 8\""));
  EXPECT_THAT(ended.out, HasSubstr("\"what_to_do\":\"\""));
  EXPECT_EQ(FromJson<v1::ListPortsResponse>(ended.out).ports(1).state(), v1::PORT_STATE_IDLE);
}

TEST(StationctlPorts, FindsTheSocketByRunFolderToo) {
  const FakeStation fake(TwoPorts());
  const Ended ended =
      Program({STATIONCTL, "ports"}, {{"STATION_RUN_DIR", fake.RunDir()}}, "").Wait();
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(Program({STATIONCTL, "--run-dir", fake.RunDir(), "ports"}, {}, "").Wait().exit_code, 0);
  EXPECT_EQ(Program({STATIONCTL, "ports", "--socket", fake.Socket()}, {}, "").Wait().exit_code, 0);
}

TEST(StationctlPorts, FallsBackToTheViewersSocket) {
  FakeStation fake(TwoPorts());
  std::filesystem::rename(fake.Socket(), fake.RunDir() / "viewer.sock");
  EXPECT_EQ(Program({STATIONCTL, "--run-dir", fake.RunDir(), "ports"}, {}, "").Wait().exit_code, 0);
}

TEST(StationctlPorts, LearnLabelsEachPortAsItFills) {
  Script script;
  script.ports = {MakePort("X1", v1::PORT_STATE_EMPTY), MakePort("X2", v1::PORT_STATE_EMPTY)};
  script.changes = {MakePort("X2", v1::PORT_STATE_IDENTIFYING)};
  script.changes_after_label = {MakePort("X2", v1::PORT_STATE_IDLE),
                                MakePort("X1", v1::PORT_STATE_IDENTIFYING)};
  FakeStation fake(script);
  const Ended ended = Ask(fake, {"ports", "learn"}, "A1\nA2\n\n");
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  ASSERT_THAT(fake.Told().labels, SizeIs(2));
  EXPECT_EQ(fake.Told().labels[0].label(), "A1");
  EXPECT_THAT(fake.Told().labels[0].port(), HasSubstr("X2"));
  EXPECT_EQ(fake.Told().labels[1].label(), "A2");
  EXPECT_THAT(fake.Told().labels[1].port(), HasSubstr("X1"));
  EXPECT_NE(fake.Told().labels[0].request_id(), fake.Told().labels[1].request_id());
}

TEST(StationctlPorts, LabelNamesOne) {
  FakeStation fake(TwoPorts());
  const Ended ended = Ask(fake, {"ports", "label", "1-4.2", "B7"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(ended.out, "1-4.2 is now B7\n");
  EXPECT_EQ(fake.Told().labels.at(0).port(), "1-4.2");
}

Script OneRestore(const v1::Port& end) {
  Script script;
  script.ports = {MakePort("A1", v1::PORT_STATE_ARMED)};
  const v1::Port port = MakePort("A1", v1::PORT_STATE_WORKING);
  script.changes = {Working(port, v1::STEP_SIGN, 0.01),
                    Working(port, v1::STEP_STREAM, 0.42, 1'200'000'000, 5'600'000'000),
                    Working(port, v1::STEP_STREAM, 0.43, 1'300'000'000, 5'600'000'000), end};
  return script;
}

TEST(StationctlWatch, WritesALineForEachChangeWorthOne) {
  const FakeStation fake(OneRestore(MakePort("A1", v1::PORT_STATE_DONE)));
  const Ended ended = Ask(fake, {"watch", "--until-idle"});
  EXPECT_EQ(ended.exit_code, 0);
  const auto lines = Lines(ended.out);
  ASSERT_THAT(lines, SizeIs(4));
  EXPECT_EQ(lines[0].substr(10), "A1    iPhone 8  armed");
  EXPECT_EQ(lines[1].substr(10), "A1    iPhone 8  working  sign 1%  3:20 left");
  EXPECT_EQ(lines[2].substr(10),
            "A1    iPhone 8  working  stream 42%  1.2/5.6 GB  180 MB/s  3:20 left");
  EXPECT_EQ(lines[3].substr(10), "A1    iPhone 8  done");
}

TEST(StationctlWatch, TheWorstEndGivesTheExitCode) {
  struct Case {
    ErrorCode code;
    int exit_code;
  };
  for (const Case& expected :
       {Case{ErrorCode::kFirmwareAbsent, 3}, Case{ErrorCode::kSigningRefused, 4},
        Case{ErrorCode::kDeviceStatus, 5}, Case{ErrorCode::kPhoneGone, 6},
        Case{ErrorCode::kNeedsButtons, 7}, Case{ErrorCode::kCancelled, 8},
        Case{ErrorCode::kWorkerDied, 1}}) {
    Script script = OneRestore(Failed(MakePort("A1", v1::PORT_STATE_FAILED), expected.code));
    script.ports.push_back(MakePort("A2", v1::PORT_STATE_DONE));
    script.ports.push_back(Failed(MakePort("A3", v1::PORT_STATE_FAILED), ErrorCode::kCancelled));
    const FakeStation fake(script);
    const Ended ended = Ask(fake, {"watch", "--until-idle"});
    EXPECT_EQ(ended.exit_code, expected.exit_code) << Name(expected.code);
    EXPECT_THAT(ended.out, HasSubstr("failed  - " + std::string(OperatorLine(expected.code))));
  }
}

TEST(StationctlWatch, LooksOnlyAtThePortsAskedFor) {
  Script script = OneRestore(MakePort("A1", v1::PORT_STATE_DONE));
  script.ports.push_back(Working(MakePort("A2", v1::PORT_STATE_WORKING), v1::STEP_FLASH, 0.9));
  script.ports.push_back(Failed(MakePort("A3", v1::PORT_STATE_FAILED), ErrorCode::kPhoneGone));
  const FakeStation fake(script);
  const Ended ended = Ask(fake, {"watch", "--until-idle", "--for", "A1"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(ended.out, Not(HasSubstr("A2")));
}

TEST(StationctlWatch, APortThatDoesNotExistIsAnError) {
  const FakeStation fake(TwoPorts());
  const Ended ended = Ask(fake, {"watch", "--until-idle", "--for", "Z9"});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_THAT(ended.err, HasSubstr("there is no port Z9"));
}

TEST(StationctlWatch, JsonIsOnePortToALine) {
  const FakeStation fake(OneRestore(MakePort("A1", v1::PORT_STATE_DONE)));
  const Ended ended = Ask(fake, {"watch", "--until-idle", "--json"});
  EXPECT_EQ(ended.exit_code, 0);
  const auto lines = Lines(ended.out);
  ASSERT_THAT(lines, SizeIs(5));
  EXPECT_EQ(FromJson<v1::Port>(lines[2]).progress().bytes_total(), 5'600'000'000U);
  EXPECT_EQ(FromJson<v1::Port>(lines[4]).state(), v1::PORT_STATE_DONE);
}

TEST(StationctlWatch, WaitsForAStationThatRestarts) {
  Script script = OneRestore(MakePort("A1", v1::PORT_STATE_DONE));
  script.changes.pop_back();  // still working when the station goes away
  script.end_watch_once = true;
  FakeStation fake(script);
  Program watch({STATIONCTL, "watch"}, {{"STATION_SOCKET", fake.Socket()}}, "");
  ASSERT_TRUE(watch.WaitForOutput("stream 42%"));
  // Seen again from the start after it came back.
  ASSERT_TRUE(watch.WaitForOutput("armed\n"));
  watch.Signal(SIGINT);
  const Ended ended = watch.Wait();
  EXPECT_EQ(ended.exit_code, 0);
}

TEST(StationctlWatch, CtrlCEndsCleanly) {
  const FakeStation fake(TwoPorts());
  Program watch({STATIONCTL, "watch"}, {{"STATION_SOCKET", fake.Socket()}}, "");
  ASSERT_TRUE(watch.WaitForOutput("A1"));
  watch.Signal(SIGINT);
  EXPECT_EQ(watch.Wait().exit_code, 0);
}

v1::ArmTarget TargetOf(const v1::Port& port, bool will_wipe) {
  v1::ArmTarget target;
  target.set_port_key(port.key());
  target.set_port_label(port.label());
  *target.mutable_phone() = port.phone();
  target.set_firmware_version("15.8 (19H999)");
  target.set_will_wipe(will_wipe);
  return target;
}

Script ReadyToArm() {
  Script script = TwoPorts();
  *script.plan.add_targets() = TargetOf(script.ports[1], true);
  return script;
}

TEST(StationctlArm, ShowsWhatWillBeWipedThenArms) {
  FakeStation fake(ReadyToArm());
  const Ended ended =
      Ask(fake, {"arm", "A1", "A2", "--yes", "--expires", "15m", "--countdown", "0s"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_THAT(ended.out, StartsWith("This phone will be ERASED, everything on it is lost:\n"));
  EXPECT_THAT(ended.out,
              HasSubstr("A1    iPhone 8  0x00000000000000A1  14.8 (18H17)  15.8 (19H999)"));
  EXPECT_THAT(ended.out, HasSubstr("A2 is empty: the next phone plugged in there is wiped too."));
  EXPECT_THAT(ended.out, HasSubstr("Armed: 12 "));
  EXPECT_THAT(ended.out, HasSubstr("Undo: stationctl disarm 12"));
  ASSERT_THAT(fake.Told().armed, SizeIs(1));
  const v1::ArmRequest& request = fake.Told().armed[0];
  EXPECT_THAT(request.ports(),
              ElementsAre("pci0000:00/0000:00:14.0:A1", "pci0000:00/0000:00:14.0:A2"));
  EXPECT_EQ(request.action(), v1::ACTION_ERASE);
  EXPECT_EQ(request.expires_in().seconds(), 900);
  EXPECT_TRUE(request.has_countdown());
  EXPECT_EQ(request.countdown().seconds(), 0);
  EXPECT_EQ(request.actor(), "mara");
  EXPECT_THAT(request.request_id(), SizeIs(32));
}

TEST(StationctlArm, WithoutYesOnAPipeNothingIsArmed) {
  FakeStation fake(ReadyToArm());
  const Ended ended = Ask(fake, {"arm", "A1"}, "wipe\n");
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_THAT(ended.err, HasSubstr("--yes"));
  EXPECT_THAT(fake.Told().armed, SizeIs(0));
}

TEST(StationctlArm, DryRunOnlyShows) {
  FakeStation fake(ReadyToArm());
  const Ended ended = Ask(fake, {"arm", "A1", "--dry-run"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(ended.out, HasSubstr("ERASED"));
  EXPECT_THAT(fake.Told().armed, SizeIs(0));
}

TEST(StationctlArm, AllPresentLeavesEmptyPortsOut) {
  FakeStation fake(ReadyToArm());
  EXPECT_EQ(Ask(fake, {"arm", "--all-present", "--yes"}).exit_code, 0);
  EXPECT_THAT(fake.Told().armed.at(0).ports(), ElementsAre("pci0000:00/0000:00:14.0:A1"));
  EXPECT_FALSE(fake.Told().armed.at(0).has_countdown());
}

TEST(StationctlArm, APhoneThatWasNotShownIsPointedOut) {
  Script script = ReadyToArm();
  script.armed_targets = {TargetOf(MakePort("A2", v1::PORT_STATE_IDLE), true)};
  FakeStation fake(script);
  const Ended ended = Ask(fake, {"arm", "A1", "A2", "--yes"});
  EXPECT_THAT(ended.err, HasSubstr("other phones than shown are armed now at A2"));
}

TEST(StationctlArm, AnEcidThatCouldBeMisreadIsRefused) {
  FakeStation fake(ReadyToArm());
  EXPECT_EQ(Ask(fake, {"arm", "--ecid", "1234567890123456", "--yes"}).exit_code, 2);
  EXPECT_EQ(Ask(fake, {"arm", "--ecid", "dec:26", "--ecid", "0x1B", "--yes"}).exit_code, 0);
  EXPECT_THAT(fake.Told().armed.at(0).ecids(),
              ElementsAre("0x000000000000001a", "0x000000000000001b"));
}

// Else an operator would think a mistyped ECID did nothing.
TEST(StationctlArm, APhoneThatIsNotHereIsNamed) {
  const FakeStation fake(ReadyToArm());
  const Ended ended = Ask(fake, {"arm", "--ecid", "0xb1", "--dry-run"});
  EXPECT_THAT(ended.out,
              HasSubstr("0x00000000000000b1 is not here: it is wiped once it is plugged in."));
}

TEST(StationctlArm, ArmingNothingIsAUsageError) {
  const FakeStation fake(ReadyToArm());
  EXPECT_EQ(Ask(fake, {"arm", "--yes"}).exit_code, 2);
  EXPECT_EQ(Ask(fake, {"arm", "A1", "--yes", "--action", "identify"}).exit_code, 2);
  EXPECT_EQ(Ask(fake, {"arm", "A1", "--yes", "--expires", "15"}).exit_code, 2);
  EXPECT_EQ(Ask(fake, {"disarm"}).exit_code, 2);
}

TEST(StationctlArm, AnUnknownPortIsNamed) {
  const FakeStation fake(ReadyToArm());
  const Ended ended = Ask(fake, {"arm", "Z9", "--yes"});
  EXPECT_EQ(ended.exit_code, 7);
  EXPECT_EQ(ended.err, "stationctl: no port Z9\nwhat to do: " +
                           std::string(OperatorLine(ErrorCode::kNotFound)) + "\n");
}

TEST(StationctlErrors, ExitCodesFollowTheClassOfTheError) {
  struct Case {
    ErrorCode code;
    int exit_code;
  };
  for (const Case& expected :
       {Case{ErrorCode::kLedger, 1}, Case{ErrorCode::kBadRequest, 2},
        Case{ErrorCode::kFirmwareAbsent, 3}, Case{ErrorCode::kSigningUnreachable, 4},
        Case{ErrorCode::kLockdown, 5}, Case{ErrorCode::kPhoneGone, 6},
        Case{ErrorCode::kNeverWipe, 7}, Case{ErrorCode::kEmergencyStop, 8}}) {
    Script script = ReadyToArm();
    script.refusal = Refusal(expected.code, "port A1");
    FakeStation fake(script);
    const Ended ended = Ask(fake, {"arm", "A1", "--yes"});
    EXPECT_EQ(ended.exit_code, expected.exit_code) << Name(expected.code);
    EXPECT_EQ(ended.err, "stationctl: port A1\nwhat to do: " +
                             std::string(OperatorLine(expected.code)) + "\n");
  }
}

TEST(StationctlErrors, JsonErrorsCarryNameAndRemedy) {
  Script script = ReadyToArm();
  script.refusal = Refusal(ErrorCode::kEmergencyStop, "all ports");
  FakeStation fake(script);
  const Ended ended = Ask(fake, {"cancel", "A1", "--json"});
  EXPECT_EQ(ended.exit_code, 8);
  EXPECT_THAT(Lines(ended.err), SizeIs(1));
  EXPECT_THAT(ended.err, HasSubstr("\"name\":\"emergency_stop\""));
  EXPECT_THAT(ended.err, HasSubstr("\"exit_code\":8"));
}

TEST(StationctlErrors, NoStationIsItsOwnExitCode) {
  const std::string nowhere = "/tmp/no-such-station";
  const Ended absent = Program({STATIONCTL, "ports", "--run-dir", nowhere}, {}, "").Wait();
  EXPECT_EQ(absent.exit_code, 9);
  EXPECT_THAT(absent.err, HasSubstr("what to do: Start the station"));
  const Ended watch = Program({STATIONCTL, "watch", "--socket", nowhere}, {}, "").Wait();
  EXPECT_EQ(watch.exit_code, 9);
}

// A socket file that nobody listens at, as a killed daemon leaves it.
TEST(StationctlErrors, ADeadSocketIsItsOwnExitCode) {
  FakeStation fake(TwoPorts());
  const auto kept = fake.RunDir() / "kept.sock";
  std::filesystem::create_hard_link(fake.Socket(), kept);
  fake.Stop();
  const Ended ended = Program({STATIONCTL, "ports", "--socket", kept}, {}, "").Wait();
  EXPECT_EQ(ended.exit_code, 9);
}

TEST(StationctlErrors, WrongUsageIsItsOwnExitCode) {
  EXPECT_EQ(Program({STATIONCTL}, {}, "").Wait().exit_code, 2);
  const Ended unknown = Program({STATIONCTL, "frobnicate"}, {}, "").Wait();
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("there is no command frobnicate"));
  const Ended help = Program({STATIONCTL, "--help"}, {}, "").Wait();
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.out, HasSubstr("9  the station does not answer"));
}

TEST(StationctlJobs, CancelTakesPortsOrJobs) {
  FakeStation fake(TwoPorts());
  const Ended ended = Ask(fake, {"cancel", "A1", "A2"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(ended.out, "Job 17 on A1: cancelled\nJob 17 on A2: cancelled\n");
  EXPECT_EQ(Ask(fake, {"retry", "job", "21"}).exit_code, 0);
  EXPECT_EQ(Ask(fake, {"retry", "job", "x"}).exit_code, 2);
  ASSERT_THAT(fake.Told().retried, SizeIs(1));
  EXPECT_EQ(fake.Told().retried[0].id(), 21);
  EXPECT_EQ(fake.Told().retried[0].port(), "");
  EXPECT_EQ(fake.Told().cancelled.at(1).port(), "A2");
}

TEST(StationctlJobs, StopAndRelease) {
  FakeStation fake(TwoPorts());
  EXPECT_THAT(Ask(fake, {"stop"}).out, StartsWith("STOPPED"));
  EXPECT_THAT(Ask(fake, {"stop", "--release"}).out, StartsWith("Released"));
  EXPECT_TRUE(fake.Told().stops.at(0).engaged());
  EXPECT_FALSE(fake.Told().stops.at(1).engaged());
}

TEST(StationctlFirmware, AddSendsTheWholePathAndShowsTheResult) {
  Script script;
  v1::AddFirmwareResponse half;
  half.set_bytes_done(500);
  half.set_bytes_total(1000);
  v1::AddFirmwareResponse last;
  last.mutable_firmware()->set_sha256(std::string(64, 'a'));
  last.mutable_firmware()->set_version("15.8");
  last.mutable_firmware()->set_build("19H999");
  last.mutable_firmware()->add_products("iPhone10,1");
  last.mutable_firmware()->set_size(5'600'000'000);
  script.import = {half, last};
  FakeStation fake(script);
  std::ofstream(fake.RunDir() / "os.ipsw") << "x";
  const std::string crooked = fake.RunDir() / "." / "os.ipsw";
  const Ended ended = Ask(fake, {"firmware", "add", crooked});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_THAT(ended.out, StartsWith("Added: 15.8 (19H999), 5.6 GB, for iPhone10,1\n"));
  EXPECT_EQ(fake.Told().imports.at(0).path(), fake.RunDir() / "os.ipsw");
}

TEST(StationctlFirmware, AddTakesAddressesAndHashes) {
  Script script;
  v1::AddFirmwareResponse last;
  last.mutable_firmware()->set_sha256(std::string(64, 'a'));
  script.import = {last};
  FakeStation fake(script);
  const std::string sha1(40, 'b');
  const Ended ended = Ask(fake, {"firmware", "add", "https://a.example/x.ipsw",
                                 "https://b.example/x.ipsw", "--sha1", sha1});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  const v1::AddFirmwareRequest& request = fake.Told().imports.at(0);
  EXPECT_EQ(request.path(), "");
  EXPECT_EQ(request.urls_size(), 2);
  EXPECT_EQ(request.sha1(), sha1);
  EXPECT_EQ(Ask(fake, {"firmware", "add", "https://a.example/x.ipsw", "--sha1", "12"}).exit_code,
            2);
  EXPECT_EQ(Ask(fake, {"firmware", "add", STATIONCTL, STATIONCTL}).exit_code, 2);
}

TEST(StationctlFirmware, AMissingFileIsNotEvenAskedFor) {
  FakeStation fake{Script()};
  const Ended ended = Ask(fake, {"firmware", "add", "/no/such/os.ipsw"});
  EXPECT_EQ(ended.exit_code, 3);
  EXPECT_THAT(ended.err, HasSubstr("/no/such/os.ipsw: No such file"));
  EXPECT_EQ(Ask(fake, {"firmware", "add", STATIONCTL, "--sha256", "abc"}).exit_code, 2);
  EXPECT_THAT(fake.Told().imports, SizeIs(0));
}

TEST(StationctlFirmware, ARefusedImportTellsWhy) {
  Script script;
  script.refusal = Refusal(ErrorCode::kFirmwareHashMismatch, "os.ipsw: sha256 is 00..");
  const FakeStation fake(script);
  const Ended ended = Ask(fake, {"firmware", "add", STATIONCTL});
  EXPECT_EQ(ended.exit_code, 3);
  EXPECT_THAT(ended.err, StartsWith("stationctl: os.ipsw: sha256 is 00..\nwhat to do: "));
}

// Every command that asks the station prints JSON that parses.
TEST(StationctlJson, EveryCommandPrintsObjects) {
  Script script = ReadyToArm();
  script.jobs.resize(1);
  script.jobs[0].set_id(3);
  script.firmware.resize(1);
  script.station.set_name("bench");
  const FakeStation fake(script);
  const std::vector<std::vector<std::string>> commands = {{"ports"},
                                                          {"arm", "A1", "--dry-run"},
                                                          {"arm", "A1", "--yes"},
                                                          {"armings"},
                                                          {"disarm", "--all"},
                                                          {"firmware", "list"},
                                                          {"jobs"},
                                                          {"job", "show", "3"},
                                                          {"cancel", "A1"},
                                                          {"retry", "A1"},
                                                          {"stop"},
                                                          {"status"},
                                                          {"doctor"},
                                                          {"ports", "label", "A1", "B1"}};
  for (std::vector<std::string> command : commands) {
    command.emplace_back("--json");
    const Ended ended = Ask(fake, command);
    ASSERT_THAT(Lines(ended.out), SizeIs(1)) << command[0] << ended.err;
    FromJson<google::protobuf::Struct>(ended.out);
  }
}

}  // namespace
}  // namespace station::ctl
