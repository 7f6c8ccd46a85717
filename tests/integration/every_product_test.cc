// Every kind of product the rack has, by erase and by update, from every mode a phone may be found
// in: eight phones of one kind side by side, all restored by the station's own worker.

#include <gtest/gtest.h>

#include <array>

#include "tests/integration/bench.h"

namespace station::integration {
namespace {

struct Kind {
  const char* name;
  const char* product;
  const char* old_build;
  const char* more;  // of each phone's line in the cart
};
void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

struct Start {
  const char* mode;  // "restore": left there by a worker that was killed
  const char* action;
};
constexpr auto kStarts = std::to_array<Start>({
    {"normal", "erase"},
    {"normal", "update"},
    {"recovery", "erase"},
    {"recovery", "update"},
    {"dfu", "erase"},
    {"dfu", "update"},
    {"restore", "erase"},
    {"restore", "update"},
});

std::string NameOf(std::size_t i) { return "A" + std::to_string(i + 1); }
std::string PortOf(std::size_t i) { return "1-1." + std::to_string(i + 1); }
bool BeginsInRestoreMode(const Start& start) { return start.mode == std::string("restore"); }

std::string Cart(const Kind& kind) {
  std::string cart = "phones:\n";
  for (std::size_t i = 0; i < kStarts.size(); ++i) {
    const bool left_there = BeginsInRestoreMode(kStarts[i]);
    cart += "  - {name: " + NameOf(i) + ", port: \"" + PortOf(i) + "\", product: \"" +
            kind.product + "\", ecid: \"0xd0" + std::to_string(i) + "\", os_build: \"" +
            kind.old_build + "\", mode: " + (left_there ? "recovery" : kStarts[i].mode) +
            ", timing: {leave: 0.3, gap: 1, restore_boot: " + (left_there ? "8" : "1") +
            ", finish: 1}" + kind.more + "}\n";
  }
  return cart;
}

class EveryProduct : public testing::TestWithParam<Kind> {
 protected:
  [[nodiscard]] std::string ModeOf(std::size_t i) {
    return bench_.Phone(NameOf(i))["mode"].as<std::string>();
  }

  // Stops the worker once the restore OS starts and kills it when it runs: nobody talks to the
  // phone any more.
  void LeaveInRestoreMode(std::size_t i) {
    ASSERT_TRUE(bench_.Await("the restore OS starts", [&] {
      const YAML::Node progress = bench_.Port(PortOf(i))["progress"];
      return progress && progress["step"].as<std::string>() == "STEP_BOOT_RESTORE_OS" &&
             progress["step_fraction"].as<double>() >= 1.0;
    }));
    const auto job = bench_.LastJob(PortOf(i))["id"].as<std::string>();
    ASSERT_TRUE(bench_.SignalWorker(job, "STOP"));
    ASSERT_TRUE(bench_.Await("restore mode", [&] { return ModeOf(i) == "restore"; }));
    ASSERT_TRUE(bench_.SignalWorker(job, "KILL"));
    ASSERT_TRUE(bench_.AwaitState(PortOf(i), "FAILED"));
    ASSERT_EQ(ModeOf(i), "restore");
    const Finished retried = bench_.CtlRaw({"retry", PortOf(i)});
    ASSERT_EQ(retried.exit_code, 0) << retried.err;
  }

  void ExpectRestored(std::size_t i, const Forged& firmware) {
    SCOPED_TRACE(std::string(kStarts[i].action) + " from " + kStarts[i].mode);
    bench_.Await(
        "the job's end",
        [&] {
          const std::string state = bench_.PortState(PortOf(i));
          return state == "DONE" || state == "FAILED";
        },
        120);
    const YAML::Node job = bench_.LastJob(PortOf(i));
    EXPECT_EQ(job["outcome"].as<std::string>(), "OUTCOME_RESTORED") << job;
    EXPECT_EQ(job["attempt"].as<int>(), BeginsInRestoreMode(kStarts[i]) ? 2 : 1) << job;
    const YAML::Node phone = bench_.Phone(NameOf(i));
    EXPECT_EQ(phone["mode"].as<std::string>(), "normal");
    EXPECT_EQ(phone["os_build"].as<std::string>(), firmware.build);
    EXPECT_EQ(phone["os_image_digest"].as<std::string>(), firmware.os_digest);
    EXPECT_EQ(phone["user_data_present"].as<bool>(), kStarts[i].action == std::string("update"))
        << phone;
  }

  Bench bench_{{.cart = Cart(GetParam()),
                .extra_config = "jobs:\n  concurrency: 8\nrestore:\n  further_hosts: "
                                "[\"127.0.0.1\", wkms.rack.invalid]\n",
                .os_size = 8 << 20}};
};

TEST_P(EveryProduct, IsRestoredFromEveryModeByEraseAndUpdate) {
  bench_.Start();
  const Forged firmware = bench_.Import(GetParam().name);
  for (std::size_t i = 0; i < kStarts.size(); ++i)
    ASSERT_TRUE(bench_.AwaitState(PortOf(i), "IDLE"));
  for (std::size_t i = 0; i < kStarts.size(); ++i) {
    const Finished armed = bench_.CtlRaw(
        {"arm", PortOf(i), "--action", kStarts[i].action, "--countdown", "0s", "--yes"});
    ASSERT_EQ(armed.exit_code, 0) << armed.out << armed.err;
    if (BeginsInRestoreMode(kStarts[i])) LeaveInRestoreMode(i);
  }
  for (std::size_t i = 0; i < kStarts.size(); ++i) ExpectRestored(i, firmware);
}

INSTANTIATE_TEST_SUITE_P(
    Rack, EveryProduct,
    testing::Values(Kind{"iphone6s_ios12", "iPhone8,1", "15G77", ""},
                    Kind{"iphone8_ios15", "iPhone10,1", "18H17", ", ask_fud: true"},
                    Kind{"iphonex_ios15", "iPhone10,3", "18H17", ", asr_checksums: false"},
                    Kind{"ipad_wifi", "iPad7,5", "18H17", ""},
                    Kind{"iphone12_ios26", "iPhone13,2", "22A3354",
                         ", data_ports: true, fdr_needed: true"}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace station::integration
