// Faults that take the place of a step of a restore, and the step that few firmwares have.

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <set>
#include <thread>

#include "tests/rack/restore/chapters.h"
#include "tests/rack/test/scripted_host.h"

namespace rack {
namespace {

using Kind = ScriptedHost::Kind;

constexpr std::uint64_t kMinusOne = ~0ULL;

TEST(StepFaults, FailWithTheGivenStatus) {
  for (const auto& [words, status] :
       {std::pair(std::vector<std::string>{"fail-at-step", "kernel-cache"}, std::uint64_t{14}),
        std::pair(std::vector<std::string>{"fail-at-step", "format-media", "27"},
                  std::uint64_t{27}),
        std::pair(std::vector<std::string>{"fail-at-step", "cryptexes", "-1"}, kMinusOne)}) {
    RestoreModePhone bench("iPhone13,2", NewFirmware());
    ASSERT_TRUE(bench.phone->SetFault(words));
    ScriptedHost host(bench, NewFirmware(), Kind::kCurrent);
    const auto answer = host.Run();
    ASSERT_TRUE(answer) << words[1];
    EXPECT_EQ(answer->Number("Status"), status) << words[1];
    EXPECT_EQ(bench.LastError(), "fault");
    EXPECT_EQ(bench.NextEvent(), Event::kRestoreFailed);
  }
}

TEST(StepFaults, EveryStepCanFail) {
  // Not for an erase, or for something this identity does not name.
  const std::set<std::string> skipped = {"partitions", "bootability",    "charge",  "preflight",
                                         "se",         "savage",         "yonkers", "rose",
                                         "veridian",   "tcon",           "retimer", "vinyl",
                                         "centauri",   "cryptex-ticket", "baseband"};
  for (const std::string& step : StepNames()) {
    RestoreModePhone bench("iPhone13,2", NewFirmware());
    ASSERT_TRUE(bench.phone->SetFault({"fail-at-step", step}));
    ScriptedHost host(bench, NewFirmware(), Kind::kCurrent);
    const auto status = host.Run();
    ASSERT_TRUE(status) << step;
    EXPECT_EQ(status->Number("Status"), skipped.contains(step) ? 0U : 14U) << step;
  }
}

TEST(StepFaults, RestoredCrashes) {
  RestoreModePhone bench("iPhone13,2", NewFirmware());
  ASSERT_TRUE(bench.phone->SetFault({"close-at-step", "nor-data"}));
  ScriptedHost host(bench, NewFirmware(), Kind::kCurrent);
  EXPECT_FALSE(host.Run());
  EXPECT_TRUE(host.HeardOf("RestoredCrash "));
  EXPECT_EQ(bench.NextEvent(), Event::kRestoreFailed);
}

TEST(StepFaults, HeldUntilTheHoldIsLifted) {
  RestoreModePhone bench("iPhone10,1", OldFirmware());
  ASSERT_TRUE(bench.phone->SetFault({"hold-at-step", "system-image"}));
  ScriptedHost host(bench, OldFirmware(), Kind::kOld);
  std::optional<Value> status;
  std::jthread restore([&] { status = host.Run(); });
  for (int i = 0; i < 2000 && bench.phone->HeldAt().empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(bench.phone->HeldAt(), "system-image");
  EXPECT_TRUE(bench.phone->SetFault({"none"}));
  restore.join();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->Number("Status"), 0U) << bench.phone->State().last_error.detail;
  EXPECT_EQ(bench.phone->HeldAt(), "");
}

TEST(StepFaults, NextRestoreTellsOfTheLastOne) {
  RestoreModePhone bench("iPhone13,2", NewFirmware());
  bench.phone->Refuse({Reason::kFault, "as told"});
  ScriptedHost host(bench, NewFirmware(), Kind::kCurrent);
  ASSERT_TRUE(host.Run());
  EXPECT_TRUE(host.HeardOf("PreviousRestoreLogMsg "));
}

// Silence has no end of its own: hosts wait, and the phone until its cable is pulled.
TEST(StepFaults, SilentPhoneSaysNothingMoreUntilItsCableIsPulled) {
  RestoreModePhone bench("iPhone13,2", NewFirmware());
  ASSERT_TRUE(bench.phone->SetFault({"silent-at-step", "nor-data"}));
  ScriptedHost host(bench, NewFirmware(), Kind::kCurrent);
  std::thread cable([&bench] {
    while (bench.phone->Faults().at_step) std::this_thread::yield();
    bench.attachment.End();
  });
  EXPECT_FALSE(host.Run());
  cable.join();
  EXPECT_TRUE(host.HeardOf("DataRequestMsg RootTicket"));
  EXPECT_FALSE(host.HeardOf("DataRequestMsg NORData"));
  EXPECT_FALSE(host.HeardOf("StatusMsg "));
  EXPECT_EQ(bench.NextEvent(), Event::kRestoreFailed);
  EXPECT_EQ(bench.LastError(), "unplugged");
  EXPECT_TRUE(bench.phone->State().user_data_present);
}

// --- the bundle that comes as an archive on a port of its own (reference 6.7) ---

constexpr const char* kBundle = "BootabilityBundle";

TestFirmware FirmwareWithBundle() {
  TestFirmware firmware = NewFirmware();
  const std::string archive = "070707" + std::string(70, '0') + "0000013TRAILER!!!";
  firmware.components[kBundle].file.assign(archive.begin(), archive.end());
  firmware.components[kBundle].file.resize(512);  // archives are filled up with zeros
  return firmware;
}

struct Bundle {
  const char* name;
  void (*spoil)(Bytes& archive);
  std::uint64_t status;
  const char* error;
};
void PrintTo(const Bundle& row, std::ostream* out) { *out << row.name; }

class BootabilityBundle : public testing::TestWithParam<Bundle> {};

TEST_P(BootabilityBundle, IsAskedForAndReadToItsEnd) {
  RestoreModePhone bench("iPhone13,2", FirmwareWithBundle());
  ScriptedHost host(bench, FirmwareWithBundle(), Kind::kCurrent);
  host.spoil_file[kBundle] = GetParam().spoil;
  const auto status = host.Run();
  ASSERT_TRUE(status);
  EXPECT_TRUE(host.HeardOf("DataRequestMsg BootabilityBundle"));
  EXPECT_EQ(status->Number("Status"), GetParam().status);
  EXPECT_EQ(bench.LastError(), GetParam().error) << bench.phone->State().last_error.detail;
}

INSTANTIATE_TEST_SUITE_P(
    Table, BootabilityBundle,
    testing::Values(
        Bundle{"Whole", [](Bytes&) {}, 0, "none"},
        Bundle{"CutOff", [](Bytes& archive) { archive.resize(80); }, 14, "refused_malformed"},
        Bundle{"NoArchive", [](Bytes& archive) { archive[0] = 'x'; }, 14, "refused_malformed"},
        Bundle{"Empty", [](Bytes& archive) { archive.clear(); }, 14, "refused_malformed"}),
    [](const auto& row) { return row.param.name; });

TEST(StepFaults, BundleStepCanFail) {
  RestoreModePhone bench("iPhone13,2", FirmwareWithBundle());
  ASSERT_TRUE(bench.phone->SetFault({"fail-at-step", "bootability"}));
  ScriptedHost host(bench, FirmwareWithBundle(), Kind::kCurrent);
  EXPECT_EQ(host.Run().value_or(Value()).Number("Status"), 14U);
  EXPECT_FALSE(host.HeardOf("DataRequestMsg BootabilityBundle"));
}

}  // namespace
}  // namespace rack
