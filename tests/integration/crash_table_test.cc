// What becomes of a job whose worker is killed or hangs, whose cable is pulled or whose daemon
// dies, step by step: a phone for each row, side by side, struck when its job comes to the row's
// step.

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "tests/integration/bench.h"

namespace station::integration {
namespace {

enum class Strike { kWorkerKilled, kCablePulled, kDaemonRestarted, kTimeOut };

struct Row {
  const char* step;
  Strike strike;
  const char* outcome;  // of the job, without anybody's help
  int least, most;      // attempts until then
  bool keeps_data;
};

// A cable that is back after two seconds costs at most an attempt; before the phone is asked for
// anything it costs nothing. A worker that died is looked at by a person before anything goes on.
constexpr auto kRows = std::to_array<Row>({
    {"SIGN", Strike::kWorkerKilled, "INDETERMINATE", 1, 1, true},
    {"ENTER_RECOVERY", Strike::kWorkerKilled, "INDETERMINATE", 1, 1, true},
    {"BOOT_RESTORE_OS", Strike::kWorkerKilled, "INDETERMINATE", 1, 1, true},
    {"STREAM", Strike::kWorkerKilled, "INDETERMINATE", 1, 1, false},
    {"FLASH", Strike::kWorkerKilled, "INDETERMINATE", 1, 1, false},
    {"CONFIRM", Strike::kWorkerKilled, "INDETERMINATE", 1, 1, false},
    {"SIGN", Strike::kCablePulled, "RESTORED", 1, 2, false},
    {"ENTER_RECOVERY", Strike::kCablePulled, "RESTORED", 1, 2, false},
    {"BOOT_RESTORE_OS", Strike::kCablePulled, "RESTORED", 1, 2, false},
    {"STREAM", Strike::kCablePulled, "RESTORED", 2, 2, false},
    {"FLASH", Strike::kCablePulled, "RESTORED", 2, 2, false},
    {"CONFIRM", Strike::kCablePulled, "RESTORED", 1, 1, false},
    {"SIGN", Strike::kDaemonRestarted, "RESTORED", 1, 1, false},
    {"ENTER_RECOVERY", Strike::kDaemonRestarted, "RESTORED", 1, 1, false},
    {"BOOT_RESTORE_OS", Strike::kDaemonRestarted, "RESTORED", 1, 1, false},
    {"STREAM", Strike::kDaemonRestarted, "RESTORED", 1, 1, false},
    {"FLASH", Strike::kDaemonRestarted, "RESTORED", 1, 1, false},
    {"CONFIRM", Strike::kDaemonRestarted, "RESTORED", 1, 1, false},
    // A worker that hangs is ended when its step's time is over, and the next attempt goes on.
    {"SIGN", Strike::kTimeOut, "RESTORED", 2, 2, false},
    {"ENTER_RECOVERY", Strike::kTimeOut, "RESTORED", 2, 2, false},
    {"BOOT_RESTORE_OS", Strike::kTimeOut, "RESTORED", 2, 2, false},
    {"STREAM", Strike::kTimeOut, "RESTORED", 2, 2, false},
    {"FLASH", Strike::kTimeOut, "RESTORED", 2, 2, false},
    {"CONFIRM", Strike::kTimeOut, "RESTORED", 2, 2, false},
});

std::string NameOf(std::size_t i) { return "A" + std::to_string(i + 1); }
std::string PortOf(std::size_t i) {
  return "1-" + std::to_string(i / 7 + 1) + "." + std::to_string(i % 7 + 1);
}

// Where the phone waits inside a step of the station; "" for nowhere.
const char* HoldOf(const std::string& step) {
  if (step == "STREAM") return "system-image";
  return step == "FLASH" ? "boot-arguments" : "";
}

// Where steps would pass between two looks, the phone takes its time or holds.
std::string Cart() {
  std::string cart = "phones:\n";
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    const std::string step = kRows[i].step;
    cart += "  - {name: " + NameOf(i) + ", port: \"" + PortOf(i) +
            "\", product: \"iPhone10,1\", ecid: \"0xcc" + std::to_string(100 + i) +
            "\", os_build: \"18H17\", timing: {leave: " + (step == "ENTER_RECOVERY" ? "4" : "0.3") +
            ", gap: 1, restore_boot: " + (step == "BOOT_RESTORE_OS" ? "5" : "1") +
            ", finish: " + (step == "CONFIRM" ? "12" : "1") + "}";
    if (const char* hold = HoldOf(step); *hold != '\0')
      cart += ", faults: [\"hold-at-step " + std::string(hold) + "\"]";
    cart += "}\n";
  }
  return cart;
}

class CrashTable : public testing::TestWithParam<Strike> {
 protected:
  // Only the rows of one strike take part.
  [[nodiscard]] static std::vector<std::size_t> Rows() {
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; i < kRows.size(); ++i)
      if (kRows[i].strike == GetParam()) rows.push_back(i);
    return rows;
  }

  void Carry(std::size_t i, const std::string& job) {
    switch (GetParam()) {
      case Strike::kWorkerKilled:
        EXPECT_TRUE(bench_.KillWorker(job));
        break;
      case Strike::kCablePulled:
        EXPECT_EQ(bench_.Rack({"unplug", NameOf(i)}).exit_code, 0);
        EXPECT_EQ(bench_.Rack({"plug", NameOf(i)}).exit_code, 0);
        break;
      case Strike::kTimeOut:
        EXPECT_TRUE(bench_.SignalWorker(job, "STOP"));
        break;
      case Strike::kDaemonRestarted:
        bench_.SignalStation("KILL");
        bench_.Await(
            "a new daemon", [&] { return bench_.CtlRaw({"status"}, 10).exit_code == 0; }, 60);
        break;
    }
    EXPECT_EQ(bench_.Rack({"fault", NameOf(i), "none"}).exit_code, 0);
  }

  [[nodiscard]] bool HasCome(std::size_t i, const YAML::Node& progress) {
    const std::string step = kRows[i].step;
    if (progress["step"].as<std::string>("") != "STEP_" + step) return false;
    const char* hold = HoldOf(step);
    return *hold == '\0' || bench_.Phone(NameOf(i))["held_at"].as<std::string>("") == hold;
  }

  // Each row once, when its job comes to its step. Told by labels: a path is there only while a
  // phone is.
  void StrikeAll() {
    std::set<std::size_t> left;
    for (const std::size_t i : Rows()) left.insert(i);
    bench_.Await(
        "every row's step",
        [&] {
          const YAML::Node ports = bench_.Ctl({"ports"})["ports"];
          for (const YAML::Node& port : ports)
            for (const std::size_t i : std::set<std::size_t>(left))
              if (port["label"].as<std::string>("") == PortOf(i).substr(2) && port["progress"] &&
                  HasCome(i, port["progress"])) {
                Carry(i, port["job_id"].as<std::string>());
                left.erase(i);
              }
          return left.empty();
        },
        120);
    for (const std::size_t i : left) ADD_FAILURE() << kRows[i].step << " was never seen";
  }

  void Check(std::size_t i, const Forged& firmware) {
    const Row& row = kRows[i];
    SCOPED_TRACE(row.step);
    bench_.Await(
        "the job's end",
        [&] {
          return bench_.LastJob(PortOf(i).substr(2))["outcome"].as<std::string>() != "OUTCOME_NONE";
        },
        180);
    const YAML::Node job = bench_.LastJob(PortOf(i).substr(2));
    EXPECT_EQ(job["outcome"].as<std::string>(), std::string("OUTCOME_") + row.outcome) << job;
    EXPECT_GE(job["attempt"].as<int>(), row.least) << job;
    EXPECT_LE(job["attempt"].as<int>(), row.most) << job;
    const YAML::Node phone = bench_.Phone(NameOf(i));
    EXPECT_EQ(phone["user_data_present"].as<bool>(), row.keeps_data) << phone;
    if (row.outcome != std::string("RESTORED")) return;
    EXPECT_EQ(phone["mode"].as<std::string>(), "normal") << phone;
    EXPECT_EQ(phone["os_image_digest"].as<std::string>(), firmware.os_digest);
  }

  // Times are short only where they are to run out.
  [[nodiscard]] static std::string Jobs() {
    const std::string jobs = "jobs:\n  concurrency: 32\n";
    if (GetParam() != Strike::kTimeOut) return jobs;
    return jobs +
           "  deadlines: {sign: 15s, enter_recovery: 20s, boot_restore_os: 60s, stream: 25s, "
           "flash: 25s, "
           "confirm: 30s}\n";
  }

  Bench bench_{{.cart = Cart(), .extra_config = Jobs(), .os_size = 8 << 20, .respawn = true}};
};

TEST_P(CrashTable, EachStepHasItsChain) {
  bench_.Start();
  const Forged firmware = bench_.Import("iphone8_ios15");
  for (const std::size_t i : Rows()) ASSERT_TRUE(bench_.AwaitState(PortOf(i), "IDLE"));
  ASSERT_EQ(bench_.Rack({"fault", "signer", "delay", "3"}).exit_code, 0);
  std::vector<std::string> arm = {"arm"};
  for (const std::size_t i : Rows()) arm.push_back(PortOf(i));
  arm.insert(arm.end(), {"--countdown", "0s", "--yes"});
  const Finished armed = bench_.CtlRaw(arm);
  ASSERT_EQ(armed.exit_code, 0) << armed.out << armed.err;
  StrikeAll();
  for (const std::size_t i : Rows()) Check(i, firmware);
}

std::string StrikeName(const testing::TestParamInfo<Strike>& info) {
  switch (info.param) {
    case Strike::kWorkerKilled:
      return "WorkerKilled";
    case Strike::kCablePulled:
      return "CablePulled";
    case Strike::kDaemonRestarted:
      return "DaemonRestarted";
    case Strike::kTimeOut:
      return "TimeOut";
  }
  return "";
}

INSTANTIATE_TEST_SUITE_P(Strikes, CrashTable,
                         testing::Values(Strike::kWorkerKilled, Strike::kCablePulled,
                                         Strike::kDaemonRestarted, Strike::kTimeOut),
                         StrikeName);

}  // namespace
}  // namespace station::integration
