// A cart of eight as an operator drives it: import, arm, cancel, a cable pulled and put back, a
// worker that dies, firmware that comes late, retry, emergency stop. At each point everybody who
// can be asked says the same.

#include <gtest/gtest.h>

#include <map>

#include "tests/integration/bench.h"

namespace station::integration {
namespace {

std::string Cart() {
  std::string cart = "phones:\n";
  for (int i = 1; i <= 8; ++i) {
    const bool first_row = i <= 4;
    const std::string name = (first_row ? "A" : "B") + std::to_string(first_row ? i : i - 4);
    const std::string port = (first_row ? "1-1." : "1-2.") + std::to_string(first_row ? i : i - 4);
    const std::string product = first_row ? (i % 2 == 1 ? "iPhone10,1" : "iPhone10,4")
                                          : (i % 2 == 1 ? "iPhone10,3" : "iPhone10,6");
    cart += "  - {name: " + name + ", port: \"" + port + "\", product: \"" + product +
            "\", ecid: \"0xc0" + std::to_string(i) +
            "\", os_build: \"18H17\", mode: " + (i == 8 ? "recovery" : "normal") +
            (name == "B2" ? ", super_speed: true" : "") + ", timing: {finish: 1}}\n";
  }
  return cart;
}

class CartOfEight : public testing::Test {
 protected:
  explicit CartOfEight(const std::string& extra_config = "")
      : bench_({.cart = Cart(), .extra_config = extra_config, .os_size = 64 << 20}) {}
  Bench bench_;

  void Label() {
    for (const std::string row : {"A", "B"})
      for (int i = 1; i <= 4; ++i) {
        const std::string port = (row == "A" ? "1." : "2.") + std::to_string(i);
        const Finished done = bench_.CtlRaw({"ports", "label", port, row + std::to_string(i)});
        ASSERT_EQ(done.exit_code, 0) << done.err;
      }
  }

  void Arm(const std::vector<std::string>& ports, const std::string& countdown = "0s") {
    std::vector<std::string> words = {"arm"};
    words.insert(words.end(), ports.begin(), ports.end());
    words.insert(words.end(), {"--countdown", countdown, "--yes"});
    const Finished armed = bench_.CtlRaw(words);
    ASSERT_EQ(armed.exit_code, 0) << armed.out << armed.err;
  }

  // The ledger's own word, past the daemon: outcome and error of a job.
  std::string Ledger(const std::string& query) {
    const Finished answer =
        RunProgram({"sqlite3", "-readonly", bench_.StateDir() / "ledger.sqlite", query});
    std::string text = answer.out;
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }
  static Finished RunProgram(const std::vector<std::string>& command) {
    return integration::Run(command);
  }

  // What the API says of a port is what the table, the metrics, the ledger and the rack say.
  void ExpectAgreement(const std::string& label, const std::string& state) {
    SCOPED_TRACE(label + " " + state);
    const YAML::Node port = bench_.Port(label);
    ASSERT_EQ(port["state"].as<std::string>(), "PORT_STATE_" + state) << port;
    std::string lower = state;
    for (char& c : lower) c = static_cast<char>(std::tolower(c));
    const std::string table = bench_.CtlRaw({"ports"}).out;
    const std::size_t row = table.find("\n" + label + " ");
    ASSERT_NE(row, std::string::npos) << table;
    EXPECT_NE(table.substr(row + 1, table.find('\n', row + 1) - row).find(lower), std::string::npos)
        << table;
    EXPECT_NE(bench_.Metrics().find("station_port_state{port=\"" + label + "\",state=\"" + lower +
                                    "\"} 1"),
              std::string::npos);
    const auto job = port["job_id"].as<std::string>();
    if (state != "DONE" && state != "FAILED") return;
    const YAML::Node shown = bench_.Ctl({"job", "show", job});
    const std::string row_of_job =
        Ledger("select outcome||' '||error||' '||(ended>0) from jobs where id=" + job);
    const bool done = state == "DONE";
    EXPECT_EQ(shown["outcome"].as<std::string>() == "OUTCOME_RESTORED", done);
    EXPECT_EQ(row_of_job.starts_with("1 0 "), done) << row_of_job;
    EXPECT_TRUE(row_of_job.ends_with(" 1")) << "the job has an end in the ledger: " << row_of_job;
    EXPECT_EQ(bench_.Phone(label)["os_build"].as<std::string>() != "18H17", done);
    EXPECT_EQ(bench_.Phone(label)["user_data_present"].as<bool>(), !done);
  }
};

TEST_F(CartOfEight, IsDrivenByAnOperator) {
  bench_.Start();
  (void)bench_.Import("iphone8_ios15");
  for (const char* port :
       {"1-1.1", "1-1.2", "1-1.3", "1-1.4", "1-2.1", "1-2.2", "1-2.3", "1-2.4"}) {
    const std::string path =
        port == std::string("1-2.2") ? "2-2.2" : port;  // the USB 3 phone shows on the other side
    ASSERT_TRUE(bench_.AwaitState(path, "IDLE"));
  }
  Label();

  // Four armed; one cancelled before anything is destroyed, one with a cable that comes loose, one
  // whose worker dies.
  ASSERT_EQ(bench_.Rack({"fault", "A3", "unplug-at-byte", "20000000", "3"}).exit_code, 0);
  Arm({"A1", "A2", "A3", "A4"});
  ASSERT_TRUE(bench_.AwaitState("A4", "WORKING"));
  const Finished cancelled = bench_.CtlRaw({"cancel", "A4"});
  EXPECT_EQ(cancelled.exit_code, 0) << cancelled.err;
  ASSERT_TRUE(bench_.AwaitState("A2", "WORKING"));
  const auto killed = bench_.Port("A2")["job_id"].as<std::string>();
  ASSERT_TRUE(bench_.KillWorker(killed));
  ASSERT_TRUE(bench_.AwaitState("A4", "FAILED", 30));
  EXPECT_EQ(bench_.LastJob("A4")["outcome"].as<std::string>(), "OUTCOME_CANCELLED");
  ExpectAgreement("A4", "FAILED");
  ASSERT_TRUE(bench_.AwaitState("A2", "FAILED", 30));
  EXPECT_EQ(bench_.LastJob("A2")["error_code"].as<std::string>(), "ERROR_CODE_WORKER_DIED");
  ExpectAgreement("A2", "FAILED");
  ASSERT_TRUE(bench_.AwaitState("A1", "DONE"));
  ExpectAgreement("A1", "DONE");

  // The cable was put back: the same job went on from the mode the phone was found in.
  ASSERT_TRUE(bench_.AwaitState("A3", "DONE", 150));
  ExpectAgreement("A3", "DONE");
  EXPECT_GE(bench_.LastJob("A3")["attempt"].as<int>(), 2);

  // No firmware yet: held, with the reason; imported: goes on by itself. One of them is a USB 3
  // phone.
  Arm({"B1", "B2"});
  ASSERT_TRUE(bench_.AwaitState("B1", "HELD"));
  EXPECT_EQ(bench_.Port("B1")["error_code"].as<std::string>(), "ERROR_CODE_FIRMWARE_ABSENT");
  EXPECT_NE(bench_.Port("B1")["what_to_do"].as<std::string>().find("import"), std::string::npos);
  ExpectAgreement("B1", "HELD");
  EXPECT_EQ(bench_.Phone("B1")["mode"].as<std::string>(), "normal") << "a held phone stays in use";
  (void)bench_.Import("iphonex_ios15");
  for (const char* port : {"B1", "B2"}) {
    ASSERT_TRUE(bench_.AwaitState(port, "DONE"));
    ExpectAgreement(port, "DONE");
  }

  // The dead worker's phone, again, without a new arming.
  const Finished retried = bench_.CtlRaw({"retry", "A2"});
  EXPECT_EQ(retried.exit_code, 0) << retried.err;
  ASSERT_TRUE(bench_.AwaitState("A2", "DONE"));
  ExpectAgreement("A2", "DONE");

  // Emergency stop: what is armed does not begin until it is released.
  ASSERT_EQ(bench_.CtlRaw({"stop"}).exit_code, 0);
  EXPECT_NE(bench_.Metrics().find("station_emergency_stop 1"), std::string::npos);
  const Finished while_stopped = bench_.CtlRaw({"arm", "B3", "--countdown", "0s", "--yes"});
  EXPECT_TRUE(bench_.Phone("B3")["user_data_present"].as<bool>());
  EXPECT_NE(bench_.PortState("B3"), "WORKING") << while_stopped.out;
  ASSERT_EQ(bench_.CtlRaw({"stop", "--release"}).exit_code, 0);
  EXPECT_NE(bench_.Metrics().find("station_emergency_stop 0"), std::string::npos);
  if (while_stopped.exit_code != 0) Arm({"B3"});
  ASSERT_TRUE(bench_.AwaitState("B3", "DONE"));
  ExpectAgreement("B3", "DONE");

  // Nobody armed B4: it stands as it came.
  EXPECT_TRUE(bench_.Phone("B4")["user_data_present"].as<bool>());
  EXPECT_EQ(bench_.PortState("B4"), "IDLE");
}

class GuardedCart : public CartOfEight {
 protected:
  GuardedCart() : CartOfEight("never_wipe:\n  ecids: [\"0xc02\"]\n") {}
};

TEST_F(GuardedCart, DisarmedInTheCountdownAndNeverWipedPhonesKeepTheirData) {
  bench_.Start();
  (void)bench_.Import("iphone8_ios15");
  ASSERT_TRUE(bench_.AwaitState("1-1.1", "IDLE"));
  ASSERT_TRUE(bench_.AwaitState("1-1.2", "IDLE"));
  Label();
  Arm({"A1"}, "5m");
  ASSERT_TRUE(bench_.AwaitState("A1", "ARMED"));
  ASSERT_EQ(bench_.CtlRaw({"disarm", "--all"}).exit_code, 0);
  ASSERT_TRUE(bench_.AwaitState("A1", "IDLE"));
  const Finished never = bench_.CtlRaw({"arm", "A2", "--countdown", "0s", "--yes"});
  EXPECT_NE((never.out + never.err).find("never-wipe"), std::string::npos)
      << never.out << never.err;
  EXPECT_NE(bench_.PortState("A2"), "WORKING");
  for (const char* name : {"A1", "A2"})
    EXPECT_TRUE(bench_.Phone(name)["user_data_present"].as<bool>());
}

}  // namespace
}  // namespace station::integration
