// What goes wrong with a phone, and what the station makes of it: the error code and the line for
// the operator, whether it tries again by itself, what the phone is left as, and its own log kept.
// Failure points of restore-protocol 10.4; a rack of phones, one for each row, side by side.

#include <gtest/gtest.h>

#include <array>
#include <sstream>

#include "station/base/error_code.h"
#include "tests/integration/bench.h"

namespace station::integration {
namespace {

struct Row {
  const char* fault;  // of station-rack; "" for what the cart says
  const char* more;   // of the phone's line in the cart
  ErrorCode code;     // of the first attempt; kNone: mended within it
  bool goes_on;       // tried again by itself, and then restored
  const char* left;   // the mode the phone is left in
  bool keeps_data;
  bool log;  // the phone gave its own log of the restore
};

// Erases, so that data that are still there were not touched.
constexpr auto kRows = std::to_array<Row>({
    // On the way to the restore OS: nothing is destroyed yet.
    {"stale-nonce", "", ErrorCode::kBootRejectedNonce, true, "normal", false, true},
    {"corrupt-upload iBEC", "", ErrorCode::kNone, true, "normal", false, true},
    {"corrupt-upload RestoreKernelCache", "", ErrorCode::kBootRejectedComponent, true, "normal",
     false, true},
    {"refuse-send RestoreRamDisk", "", ErrorCode::kRecoveryUpload, true, "normal", false, true},
    {"panic-at-boot", "", ErrorCode::kRestoreModeNotReached, true, "normal", false, true},
    {"late-reattach 40", "mode: dfu", ErrorCode::kNoReconnect, true, "normal", false, true},
    {"corrupt-upload iBSS", "mode: dfu", ErrorCode::kBootRejectedComponent, true, "normal", false,
     true},
    // In restore mode, before the format.
    {"fail-at-step host 14", "", ErrorCode::kHostTooOld, false, "recovery", true, true},
    {"fail-at-step root-ticket 14", "", ErrorCode::kDeviceStatusTicket, true, "normal", false,
     true},
    {"fail-at-step nor-data 50", "", ErrorCode::kDeviceStatusSep, true, "normal", false, true},
    {"fail-at-step mount-system 27", "", ErrorCode::kDeviceStatusMount, false, "recovery", true,
     true},
    {"fail-at-step format -1", "", ErrorCode::kDeviceStatusVerification, false, "recovery", true,
     true},
    {"close-at-step fdr-trust", "", ErrorCode::kRestoreDialogue, true, "normal", false, true},
    {"unplug-at-step flash 2", "", ErrorCode::kPhoneGone, true, "normal", false, true},
    // After it: only a restore starts the phone again.
    {"fail-at-step format-media 6", "", ErrorCode::kDeviceStatusDisk, false, "recovery", false,
     true},
    {"unplug-at-byte 1000000 2", "", ErrorCode::kAsrTransfer, true, "normal", false, true},
    {"refuse-asr", "", ErrorCode::kAsrConnect, true, "normal", false, true},
    {"false-success", "", ErrorCode::kNotConfirmed, false, "recovery", false, true},
    {"fail-at-step system-image 14", "", ErrorCode::kDeviceStatusImage, true, "normal", false,
     true},
    {"fail-at-step fdr-recover 53", "", ErrorCode::kDeviceStatusFdr, false, "recovery", false,
     true},
    {"", "fdr_needed: true", ErrorCode::kDeviceStatusFdr, false, "recovery", false, true},
    {"fail-at-step fud 1015", "", ErrorCode::kDeviceStatusBaseband, true, "normal", false, true},
    {"fail-at-step boot-arguments 14", "", ErrorCode::kDeviceStatus, false, "recovery", false,
     true},
    {"updater-loop SE 40", "", ErrorCode::kUpdaterLoop, false, "recovery", false, true},
});

std::string NameOf(std::size_t i) { return "A" + std::to_string(i + 1); }
std::string PortOf(std::size_t i) {
  return "1-" + std::to_string(i / 7 + 1) + "." + std::to_string(i % 7 + 1);
}

std::string Cart() {
  std::string cart = "phones:\n";
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    const std::string more = kRows[i].more;
    cart += "  - {name: " + NameOf(i) + ", port: \"" + PortOf(i) +
            "\", product: \"iPhone10,1\", ecid: \"0xfa" + std::to_string(100 + i) +
            "\", os_build: \"18H17\", ask_fud: true" +
            (more.contains("mode:") ? "" : ", mode: recovery") + (more.empty() ? "" : ", " + more) +
            ", timing: {leave: 0.3, gap: 1, restore_boot: 1, finish: 1, flash: 1}";
    if (*kRows[i].fault != '\0') cart += ", faults: [\"" + std::string(kRows[i].fault) + "\"]";
    cart += "}\n";
  }
  return cart;
}

// The code of an attempt that was followed by another stands in the daemon's log. Whether a pulled
// cable shows in the image or in the conversation first is chance.
bool SaysTriedAgain(const std::string& log, const std::string& port, ErrorCode code) {
  if (code == ErrorCode::kAsrTransfer && SaysTriedAgain(log, port, ErrorCode::kPhoneGone))
    return true;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);)
    if ((line.contains("attempt failed, trying again") ||
         line.contains("job waits for somebody at the phone")) &&
        line.contains(" port=" + port.substr(2) + " ") && line.contains(std::string(Name(code))))
      return true;
  return false;
}

class FailureTable : public testing::Test {
 protected:
  void Check(std::size_t i) {
    const Row& row = kRows[i];
    SCOPED_TRACE(std::string(row.fault) + row.more);
    bench_.Await(
        "the job's end",
        [&] {
          const std::string state = bench_.PortState(PortOf(i));
          return state == "DONE" || state == "FAILED";
        },
        180);
    EXPECT_EQ(bench_.PortState(PortOf(i)), row.goes_on ? "DONE" : "FAILED");
    const YAML::Node job = bench_.LastJob(PortOf(i));
    const bool mended = row.code == ErrorCode::kNone;
    EXPECT_EQ(job["attempt"].as<int>(), row.goes_on && !mended ? 2 : 1) << job;
    if (mended) {
      EXPECT_EQ(job["outcome"].as<std::string>(), "OUTCOME_RESTORED");
    } else if (row.goes_on) {
      EXPECT_TRUE(SaysTriedAgain(bench_.StationLog(), PortOf(i), row.code)) << job;
    } else {
      EXPECT_EQ(job["error_code"].as<std::string>(), ErrorName(row.code)) << job;
      EXPECT_EQ(job["what_to_do"].as<std::string>(), OperatorLine(row.code));
      EXPECT_FALSE(job["context"].as<std::string>().empty());
    }
    const YAML::Node phone = bench_.Phone(NameOf(i));
    EXPECT_EQ(phone["mode"].as<std::string>(), row.left) << phone;
    EXPECT_EQ(phone["user_data_present"].as<bool>(), row.keeps_data) << phone;
    const auto log =
        bench_.StateDir() / "journals" / ("job-" + job["id"].as<std::string>() + ".phone.log");
    EXPECT_EQ(!Bench::Read(log).empty(), row.log) << log;
  }

  static std::string ErrorName(ErrorCode code) {
    std::string name = "ERROR_CODE_";
    for (const char c : Name(code))
      name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return name;
  }

  Bench bench_{{.cart = Cart(), .extra_config = "jobs:\n  concurrency: 32\n", .os_size = 8 << 20}};
};

TEST_F(FailureTable, EachFaultHasItsCodeItsLineItsRetryAndItsPhone) {
  bench_.Start();
  (void)bench_.Import("iphone8_ios15");
  for (std::size_t i = 0; i < kRows.size(); ++i) ASSERT_TRUE(bench_.AwaitState(PortOf(i), "IDLE"));
  std::vector<std::string> arm = {"arm"};
  for (std::size_t i = 0; i < kRows.size(); ++i) arm.push_back(PortOf(i));
  arm.insert(arm.end(), {"--countdown", "0s", "--yes"});
  const Finished armed = bench_.CtlRaw(arm);
  ASSERT_EQ(armed.exit_code, 0) << armed.out << armed.err;
  for (std::size_t i = 0; i < kRows.size(); ++i) Check(i);
}

}  // namespace
}  // namespace station::integration
