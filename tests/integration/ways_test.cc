// Every way in: from each mode a phone may be found in, by erase and by update, to the new system;
// and what needs a person at the phone on the way.

#include <gtest/gtest.h>

#include "tests/integration/bench.h"

namespace station::integration {
namespace {

std::string Cart(const std::string& mode, const std::string& more = "") {
  return "phones:\n  - {name: A1, port: \"1-1.1\", product: \"iPhone10,1\", ecid: "
         "\"0xa1b2c3d4e5f6\", os_build: \"18H17\", mode: " +
         mode + (more.empty() ? "" : ", " + more) +
         ", timing: {leave: 0.3, gap: 1, restore_boot: 1, finish: 1}}\n";
}

void Arm(Bench& bench, const std::string& action) {
  const Finished armed =
      bench.CtlRaw({"arm", "1-1.1", "--action", action, "--countdown", "0s", "--yes"});
  ASSERT_EQ(armed.exit_code, 0) << armed.out << armed.err;
}

void ExpectRestored(Bench& bench, const Forged& firmware, bool keeps_data) {
  const YAML::Node phone = bench.Phone("A1");
  EXPECT_EQ(phone["mode"].as<std::string>(), "normal");
  EXPECT_EQ(phone["os_build"].as<std::string>(), firmware.build);
  EXPECT_EQ(phone["os_image_digest"].as<std::string>(), firmware.os_digest);
  EXPECT_EQ(phone["user_data_present"].as<bool>(), keeps_data);
  EXPECT_EQ(bench.LastJob("1-1.1")["outcome"].as<std::string>(), "OUTCOME_RESTORED");
}

struct Way {
  const char* name;
  const char* mode;
  const char* more;  // of the cart
  const char* action;
};
void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }

class Ways : public testing::TestWithParam<Way> {};

TEST_P(Ways, LeadToTheNewSystemAtTheFirstAttempt) {
  Bench bench({.cart = Cart(GetParam().mode, GetParam().more), .os_size = 16 << 20});
  bench.Start();
  const Forged firmware = bench.Import("iphone8_ios15");
  ASSERT_TRUE(bench.AwaitState("1-1.1", "IDLE"));
  Arm(bench, GetParam().action);
  ASSERT_TRUE(bench.AwaitState("1-1.1", "DONE"));
  EXPECT_EQ(bench.LastJob("1-1.1")["attempt"].as<int>(), 1);
  ExpectRestored(bench, firmware, GetParam().action == std::string("update"));
}

INSTANTIATE_TEST_SUITE_P(All, Ways,
                         testing::Values(Way{"erase_from_normal", "normal", "", "erase"},
                                         Way{"erase_from_recovery", "recovery", "", "erase"},
                                         Way{"erase_from_dfu", "dfu", "", "erase"},
                                         Way{"erase_from_dfu_with_a_new_nonce_in_ibss", "dfu",
                                             "dfu_nonce_changes: true", "erase"},
                                         Way{"update_from_normal", "normal", "", "update"},
                                         Way{"update_from_recovery", "recovery", "", "update"},
                                         Way{"update_from_dfu", "dfu", "", "update"},
                                         Way{"update_of_a_phone_with_a_passcode", "normal",
                                             "passcode: true", "update"},
                                         Way{"erase_from_normal_late_to_reattach", "normal",
                                             "faults: [\"late-reattach 8\"]", "erase"}),
                         [](const auto& row) { return row.param.name; });

// The worker is stopped once the restore OS was started and killed when it runs: nobody talks to
// the phone any more.
TEST(WaysIn, PhoneLeftInRestoreModeIsRebootedAndRestored) {
  Bench bench({.cart = "phones:\n  - {name: A1, port: \"1-1.1\", product: \"iPhone10,1\", ecid: "
                       "\"0xa1b2c3d4e5f6\", os_build: \"18H17\", mode: recovery, "
                       "timing: {gap: 1, restore_boot: 6, finish: 1}}\n",
               .os_size = 16 << 20});
  bench.Start();
  const Forged firmware = bench.Import("iphone8_ios15");
  ASSERT_TRUE(bench.AwaitState("1-1.1", "IDLE"));
  Arm(bench, "erase");
  ASSERT_TRUE(bench.Await("the restore OS starts", [&] {
    const YAML::Node progress = bench.Port("1-1.1")["progress"];
    return progress && progress["step"].as<std::string>() == "STEP_BOOT_RESTORE_OS" &&
           progress["step_fraction"].as<double>() >= 1.0;
  }));
  const auto job = bench.LastJob("1-1.1")["id"].as<std::string>();
  ASSERT_TRUE(bench.SignalWorker(job, "STOP"));
  ASSERT_TRUE(bench.Await(
      "restore mode", [&] { return bench.Phone("A1")["mode"].as<std::string>() == "restore"; }));
  ASSERT_TRUE(bench.SignalWorker(job, "KILL"));
  ASSERT_TRUE(bench.AwaitState("1-1.1", "FAILED"));
  ASSERT_EQ(bench.Phone("A1")["mode"].as<std::string>(), "restore");
  const Finished retried = bench.CtlRaw({"retry", "1-1.1"});
  ASSERT_EQ(retried.exit_code, 0) << retried.err;
  ASSERT_TRUE(bench.AwaitState("1-1.1", "DONE"));
  ExpectRestored(bench, firmware, false);
}

// Buttons: the job says what to press, waits without a slot, and goes on by itself.
TEST(WaysIn, RefusedEntryIsTakenUpWhenTheButtonsWerePressed) {
  Bench bench({.cart = Cart("normal", "faults: [refuse-enter-recovery]"), .os_size = 16 << 20});
  bench.Start();
  const Forged firmware = bench.Import("iphone8_ios15");
  ASSERT_TRUE(bench.AwaitState("1-1.1", "IDLE"));
  Arm(bench, "erase");
  ASSERT_TRUE(
      bench.Await("the job asks for hands", [&] { return bench.Port("1-1.1")["hands"].IsMap(); }));
  const YAML::Node port = bench.Port("1-1.1");
  EXPECT_EQ(port["error_code"].as<std::string>(), "ERROR_CODE_PAIRING_NEEDED");
  EXPECT_EQ(port["hands"]["attempt"].as<int>(), 1);
  EXPECT_NE(port["hands"]["steps"][0].as<std::string>().find("Volume Up"), std::string::npos)
      << port["hands"];
  EXPECT_EQ(bench.Ctl({"status"})["working"].as<int>(), 0);
  ASSERT_EQ(bench.Rack({"press", "A1", "recovery"}).exit_code, 0);
  ASSERT_TRUE(bench.AwaitState("1-1.1", "DONE"));
  EXPECT_EQ(bench.LastJob("1-1.1")["attempt"].as<int>(), 2);
  ExpectRestored(bench, firmware, false);
}

TEST(WaysIn, UnpairedPhoneThatWantsASessionGoesOnFromDfuModeToo) {
  Bench bench({.cart = Cart("normal", "enter_recovery_needs_session: true"), .os_size = 16 << 20});
  bench.Start();
  const Forged firmware = bench.Import("iphone8_ios15");
  ASSERT_TRUE(bench.AwaitState("1-1.1", "IDLE"));
  Arm(bench, "erase");
  ASSERT_TRUE(
      bench.Await("the job asks for hands", [&] { return bench.Port("1-1.1")["hands"].IsMap(); }));
  EXPECT_EQ(bench.Port("1-1.1")["error_code"].as<std::string>(), "ERROR_CODE_PAIRING_NEEDED");
  ASSERT_EQ(bench.Rack({"press", "A1", "dfu"}).exit_code, 0);
  ASSERT_TRUE(bench.AwaitState("1-1.1", "DONE"));
  ExpectRestored(bench, firmware, false);
}

TEST(WaysIn, NobodyThereEndsWithoutASignOfLifeAndTheDataIntact) {
  Bench bench({.cart = Cart("normal", "faults: [refuse-enter-recovery]"),
               .extra_config = "jobs:\n  button_tries: 2\n  button_wait: 1s\n",
               .os_size = 16 << 20});
  bench.Start();
  (void)bench.Import("iphone8_ios15");
  ASSERT_TRUE(bench.AwaitState("1-1.1", "IDLE"));
  Arm(bench, "erase");
  ASSERT_TRUE(bench.AwaitState("1-1.1", "FAILED"));
  const YAML::Node job = bench.LastJob("1-1.1");
  EXPECT_EQ(job["error_code"].as<std::string>(), "ERROR_CODE_NO_SIGN_OF_LIFE");
  EXPECT_EQ(job["outcome"].as<std::string>(), "OUTCOME_NO_SIGN_OF_LIFE");
  EXPECT_TRUE(bench.Phone("A1")["user_data_present"].as<bool>());
}

// An arming that ends while the phone is on its way destroys nothing, and the phone goes home.
TEST(WaysIn, ArmingThatEndsBeforeTheFirstDestructiveStepDestroysNothing) {
  Bench bench({.cart = Cart("normal"), .os_size = 16 << 20});
  bench.Start();
  (void)bench.Import("iphone8_ios15");
  ASSERT_TRUE(bench.AwaitState("1-1.1", "IDLE"));
  const Finished armed =
      bench.CtlRaw({"arm", "1-1.1", "--countdown", "0s", "--expires", "3s", "--yes"});
  ASSERT_EQ(armed.exit_code, 0) << armed.out << armed.err;
  ASSERT_TRUE(bench.AwaitState("1-1.1", "FAILED"));
  const YAML::Node job = bench.LastJob("1-1.1");
  EXPECT_EQ(job["error_code"].as<std::string>(), "ERROR_CODE_ARMING_EXPIRED");
  EXPECT_EQ(job["outcome"].as<std::string>(), "OUTCOME_CANCELLED");
  EXPECT_TRUE(bench.Await(
      "its own system", [&] { return bench.Phone("A1")["mode"].as<std::string>() == "normal"; },
      60));
  const YAML::Node phone = bench.Phone("A1");
  EXPECT_TRUE(phone["user_data_present"].as<bool>());
  EXPECT_EQ(phone["os_build"].as<std::string>(), "18H17");
}

// A dry run leaves the phone as it was, in every mode, and says what would happen.
class DryRun : public testing::TestWithParam<const char*> {};

TEST_P(DryRun, ReadsPlansAndChangesNothing) {
  Bench bench({.cart = Cart(GetParam()), .os_size = 16 << 20});
  bench.Start();
  (void)bench.Import("iphone8_ios15");
  ASSERT_TRUE(bench.AwaitState("1-1.1", "IDLE"));
  const YAML::Node before = bench.Phone("A1");
  for (const bool sign : {false, true}) {
    std::vector<std::string> words = {"try", "1-1.1"};
    if (sign) words.emplace_back("--sign");
    const Finished tried = bench.CtlRaw(words);
    EXPECT_EQ(tried.exit_code, 0) << tried.out << tried.err;
    EXPECT_NE(tried.out.find("erase iPhone10,1 (d20ap) with 15.8"), std::string::npos) << tried.out;
    EXPECT_NE(tried.out.find(sign ? "signed under" : "was not asked"), std::string::npos)
        << tried.out;
    EXPECT_NE(tried.out.find("nothing was changed"), std::string::npos) << tried.out;
  }
  EXPECT_EQ(YAML::Dump(bench.Phone("A1")), YAML::Dump(before));
  EXPECT_EQ(bench.PortState("1-1.1"), "IDLE");
  const YAML::Node job = bench.LastJob("1-1.1");
  EXPECT_EQ(job["action"].as<std::string>(), "ACTION_TRY_ERASE");
  EXPECT_EQ(job["outcome"].as<std::string>(), "OUTCOME_TRIED");
}

INSTANTIATE_TEST_SUITE_P(InEveryMode, DryRun, testing::Values("normal", "recovery", "dfu"),
                         [](const auto& row) { return std::string(row.param); });

TEST(WaysIn, CaptureHasTheDialogueAndNothingThatNamesThePhone) {
  Bench bench({.cart = Cart("normal", "serial: F2LSECRET01"),
               .extra_config = "jobs:\n  capture: true\n",
               .os_size = 16 << 20});
  bench.Start();
  (void)bench.Import("iphone8_ios15");
  ASSERT_TRUE(bench.AwaitState("1-1.1", "IDLE"));
  const auto udid = bench.Phone("A1")["udid"].as<std::string>();
  Arm(bench, "erase");
  ASSERT_TRUE(bench.AwaitState("1-1.1", "DONE"));
  std::string text;
  for (const auto& file : std::filesystem::directory_iterator(bench.StateDir() / "captures"))
    text += bench.Read(file.path());
  for (const char* said : {"\"MsgType\":\"DataRequestMsg\"", "StartRestore", "RootTicketData",
                           "signing_request", "\"upload\":{\"text\":\"iBEC\""})
    EXPECT_NE(text.find(said), std::string::npos) << said;
  for (const std::string& secret : {std::string("F2LSECRET01"), udid, std::string("a1b2c3d4e5f6"),
                                    std::string("A1B2C3D4E5F6"), std::to_string(0xa1b2c3d4e5f6)})
    EXPECT_EQ(text.find(secret), std::string::npos) << secret;
}

}  // namespace
}  // namespace station::integration
