// The main job, thin and whole: phones in, restored phones out; and what must end it, each with its
// own error code.

#include <gtest/gtest.h>
#include <fstream>

#include "tests/integration/bench.h"

namespace station::integration {
namespace {

constexpr const char* kTwo = R"(phones:
  - {name: A1, port: "1-1.1", product: "iPhone10,1", ecid: "0xa1", os_build: "18H17", mode: normal, timing: {finish: 1}}
  - {name: A2, port: "1-1.2", product: "iPhone10,4", ecid: "0xa2", os_build: "18H17", mode: normal, timing: {finish: 1}}
)";
constexpr const char* kOne = R"(phones:
  - {name: A1, port: "1-1.1", product: "iPhone10,1", ecid: "0xa1", os_build: "18H17", mode: normal, timing: {finish: 1}}
)";

void ArmNow(Bench& bench, const std::string& port) {
  const Finished armed = bench.CtlRaw({"arm", port, "--countdown", "0s", "--yes"});
  ASSERT_EQ(armed.exit_code, 0) << armed.out << armed.err;
}

std::string ErrorOf(const YAML::Node& job) { return job["error_code"].as<std::string>(); }

TEST(EraseRestore, ArmedPhoneIsRestoredAndTheOtherLeftAlone) {
  Bench bench({.cart = kTwo});
  bench.Start();
  const Forged firmware = bench.Import("iphone8_ios15");
  ASSERT_TRUE(bench.AwaitState("1-1.1", "IDLE"));
  ASSERT_TRUE(bench.AwaitState("1-1.2", "IDLE"));
  ArmNow(bench, "1-1.1");
  ASSERT_TRUE(bench.AwaitState("1-1.1", "DONE"));

  const YAML::Node restored = bench.Phone("A1");
  EXPECT_EQ(restored["os_build"].as<std::string>(), firmware.build);
  EXPECT_EQ(restored["os_image_digest"].as<std::string>(), firmware.os_digest);
  EXPECT_FALSE(restored["user_data_present"].as<bool>());
  EXPECT_EQ(restored["mode"].as<std::string>(), "normal");
  const YAML::Node untouched = bench.Phone("A2");
  EXPECT_EQ(untouched["os_build"].as<std::string>(), "18H17");
  EXPECT_TRUE(untouched["user_data_present"].as<bool>());

  const YAML::Node job = bench.LastJob("1-1.1");
  EXPECT_EQ(job["outcome"].as<std::string>(), "OUTCOME_RESTORED");
  EXPECT_TRUE(job["simulated"].as<bool>()) << "signed by a rack, so no evidence";
  EXPECT_EQ(job["os_build_after"].as<std::string>(), firmware.build);
  EXPECT_NE(bench.Metrics().find("station_jobs_total"), std::string::npos);
}

TEST(EraseRestore, TwoPhonesShareOneStoredFirmware) {
  Bench bench({.cart = kTwo});
  bench.Start();
  const Forged firmware = bench.Import("iphone8_ios15");
  ASSERT_TRUE(bench.AwaitState("1-1.1", "IDLE"));
  ASSERT_TRUE(bench.AwaitState("1-1.2", "IDLE"));
  const Finished armed = bench.CtlRaw({"arm", "--all-present", "--countdown", "0s", "--yes"});
  ASSERT_EQ(armed.exit_code, 0) << armed.out << armed.err;
  for (const char* port : {"1-1.1", "1-1.2"}) ASSERT_TRUE(bench.AwaitState(port, "DONE"));
  for (const char* name : {"A1", "A2"}) {
    const YAML::Node phone = bench.Phone(name);
    EXPECT_EQ(phone["os_build"].as<std::string>(), firmware.build);
    EXPECT_EQ(phone["os_image_digest"].as<std::string>(), firmware.os_digest);
    EXPECT_FALSE(phone["user_data_present"].as<bool>());
  }
  EXPECT_EQ(bench.Ctl({"firmware", "list"})["firmware"].size(), 1U);
}

TEST(EraseRestore, OneFlippedByteIsRefusedAtImport) {
  Bench bench({.cart = kOne});
  bench.Start();
  const Forged firmware = bench.Forge("iphone8_ios15");
  std::fstream file(firmware.file, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(9 << 20);
  const char byte = static_cast<char>(file.get() ^ 0x40);
  file.seekp(9 << 20);
  file.put(byte);
  file.close();
  const Finished with_hash =
      bench.CtlRaw({"firmware", "add", firmware.file, "--sha256", firmware.sha256});
  EXPECT_NE(with_hash.exit_code, 0);
  EXPECT_NE(with_hash.err.find("hash"), std::string::npos) << with_hash.err;
  const Finished without = bench.CtlRaw({"firmware", "add", firmware.file});
  EXPECT_NE(without.exit_code, 0) << "a damaged member must be noticed without a known hash too";
  EXPECT_EQ(bench.Ctl({"firmware", "list"})["firmware"].size(), 0U);
}

struct Refusal {
  const char* name;
  std::vector<std::string> fault;  // station-rack fault ...
  const char* error;
  const char* left_in;  // mode of the phone afterwards
  bool keeps_data = true;
};

void PrintTo(const Refusal& refusal, std::ostream* out) { *out << refusal.name; }

class RefusedRestore : public testing::TestWithParam<Refusal> {};

TEST_P(RefusedRestore, EndsWithItsOwnErrorAndNothingDestroyedBefore) {
  Bench bench({.cart = kOne});
  bench.Start();
  (void)bench.Import("iphone8_ios15");
  ASSERT_TRUE(bench.AwaitState("1-1.1", "IDLE"));
  std::vector<std::string> fault = {"fault"};
  fault.insert(fault.end(), GetParam().fault.begin(), GetParam().fault.end());
  const Finished switched = bench.Rack(fault);
  ASSERT_EQ(switched.exit_code, 0) << switched.err;
  ArmNow(bench, "1-1.1");
  ASSERT_TRUE(bench.AwaitState("1-1.1", "FAILED"));
  EXPECT_EQ(ErrorOf(bench.LastJob("1-1.1")), GetParam().error) << bench.LastJob("1-1.1");
  const YAML::Node phone = bench.Phone("A1");
  EXPECT_EQ(phone["user_data_present"].as<bool>(), GetParam().keeps_data);
  EXPECT_EQ(phone["mode"].as<std::string>(), GetParam().left_in);
}

INSTANTIATE_TEST_SUITE_P(EraseRestore, RefusedRestore,
                         testing::Values(Refusal{"ticket_of_another_phone",
                                                 {"signer", "wrong-ecid"},
                                                 "ERROR_CODE_TICKET_WRONG_ECID",
                                                 "normal"},
                                         Refusal{"ticket_of_another_boot",
                                                 {"signer", "wrong-nonce"},
                                                 "ERROR_CODE_TICKET_WRONG_NONCE",
                                                 "normal"},
                                         Refusal{"no_longer_signed",
                                                 {"signer", "refuse-94"},
                                                 "ERROR_CODE_SIGNING_NOT_SIGNED",
                                                 "normal"},
                                         // Asked for when the system is on the phone already.
                                         Refusal{"another_chip_not_signed",
                                                 {"signer", "refuse-updater", "SE"},
                                                 "ERROR_CODE_SIGNING_NOT_SIGNED",
                                                 "recovery",
                                                 false}),
                         [](const auto& row) { return row.param.name; });

TEST(EraseRestore, StalledStreamTimesOutAndTheNextAttemptRestores) {
  Bench bench({.cart = kOne});
  bench.Start();
  const Forged firmware = bench.Import("iphone8_ios15");
  ASSERT_TRUE(bench.AwaitState("1-1.1", "IDLE"));
  ASSERT_EQ(bench.Rack({"fault", "A1", "stall-asr"}).exit_code, 0);
  ArmNow(bench, "1-1.1");
  ASSERT_TRUE(bench.AwaitState("1-1.1", "DONE", 200));
  EXPECT_GE(bench.LastJob("1-1.1")["attempt"].as<int>(), 2);
  EXPECT_EQ(bench.Phone("A1")["os_image_digest"].as<std::string>(), firmware.os_digest);
}

TEST(EraseRestore, KilledWorkerFailsItsOwnPortOnly) {
  Bench bench({.cart = kTwo, .os_size = 200 << 20});
  bench.Start();
  (void)bench.Import("iphone8_ios15");
  ASSERT_TRUE(bench.AwaitState("1-1.1", "IDLE"));
  ASSERT_TRUE(bench.AwaitState("1-1.2", "IDLE"));
  ArmNow(bench, "1-1.1");
  ASSERT_TRUE(bench.AwaitState("1-1.1", "WORKING"));
  const auto id = bench.LastJob("1-1.1")["id"].as<std::string>();
  ArmNow(bench, "1-1.2");
  ASSERT_TRUE(bench.AwaitState("1-1.2", "WORKING"));
  ASSERT_TRUE(bench.KillWorker(id));
  ASSERT_TRUE(bench.AwaitState("1-1.1", "FAILED", 30));
  EXPECT_EQ(ErrorOf(bench.LastJob("1-1.1")), "ERROR_CODE_WORKER_DIED");
  ASSERT_TRUE(bench.AwaitState("1-1.2", "DONE"));
  EXPECT_FALSE(bench.Phone("A2")["user_data_present"].as<bool>());
}

}  // namespace
}  // namespace station::integration
