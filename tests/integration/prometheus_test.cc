// dashboards/ against a real Prometheus that scrapes a running cart: every expression parses,
// returns data where it should, and uses no name the scrape does not have.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/integration/bench.h"
#include "tests/unit/dashboards/dashboard_files.h"

namespace station::integration {
namespace {

using dashboards::Expression;

const std::filesystem::path kFolder = STATION_SOURCE_DIR "/dashboards";
const std::filesystem::path kDashboard = kFolder / "cart-overview.json";
const std::filesystem::path kRules = kFolder / "station.rules.yml";

// A1 and A2 are restored, A3 cannot format its flash, for X1 there is no firmware.
constexpr const char* kCart = R"(phones:
  - {name: A1, port: "1-1.1", product: "iPhone10,1", ecid: "0xe1ec1d01", os_build: "18H17", timing: {finish: 1}}
  - {name: A2, port: "1-1.2", product: "iPhone10,4", ecid: "0xe1ec1d02", os_build: "18H17", timing: {finish: 1}}
  - {name: A3, port: "1-1.3", product: "iPhone10,1", ecid: "0xe1ec1d03", os_build: "18H17", timing: {finish: 1}}
  - {name: X1, port: "1-1.4", product: "iPhone10,3", ecid: "0xe1ec1d04", os_build: "18H17", timing: {finish: 1}}
)";

// Alerts without a cause in this run. Where the machine itself may be the cause, the reason says
// so.
const std::map<std::string, std::string> kNoCause = {
    {"StationAbsent", "the target exists all the time"},
    {"StationRestarting", "it is started once"},
    {"MuxDown", "the rack's usbmuxd runs"},
    {"WorkersDying", "no worker is killed"},
    {"PortStuck", "nothing stands still for ten minutes"},
    {"PortFailingRepeatedly", "one failure only"},
    {"SigningUnreachable", "the rack's signer answers"},
    {"SigningRefused", "the rack's signer signs"},
    {"LedgerFailing", "the ledger can be written"},
    {"FirmwareQuarantined", "nothing rots"},
    {"StoreOverBudget", "the store may hold anything"},
    {"HubLost", "no hub goes away"},
    {"PhoneNotListed", "usbmuxd lists every phone"},
    {"StationGrowing", "it runs for a minute, not for days"},
    {"PortQuarantined", "one failure only"},
};
const std::map<std::string, std::string> kUpToTheMachine = {
    {"DiskLow", "as full as this machine's disk is"},
    {"DiskFull", "as full as this machine's disk is"},
    {"LedgerSlow", "as slow as this machine's disk is"},
};

bool Installed(const std::string& program) {
  return Run({"sh", "-c", "command -v " + program}).exit_code == 0;
}

std::uint16_t FreePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

// Debian's Prometheus, for one target, in a folder of its own.
class Prometheus {
 public:
  Prometheus() {
    char folder[] = "/tmp/prometheus.XXXXXX";
    dir_ = ::mkdtemp(folder);
  }
  ~Prometheus() {
    program_.Stop();
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }

  void Start(const std::string& target) {
    WriteConfig(target);
    address_ = "127.0.0.1:" + std::to_string(FreePort());
    program_ = Background(
        {"prometheus", "--config.file=" + Config().string(),
         "--storage.tsdb.path=" + (dir_ / "data").string(), "--web.listen-address=" + address_,
         "--storage.tsdb.retention.time=1h", "--log.level=warn"},
        dir_ / "prometheus.out");
  }
  [[nodiscard]] std::filesystem::path Config() const { return dir_ / "prometheus.yml"; }
  [[nodiscard]] bool Ready() const { return Get("/-/ready", {}).exit_code == 0; }

  // The result list; a null node and a failed test when the expression does not parse.
  [[nodiscard]] YAML::Node Query(const Expression& expression) const {
    const YAML::Node answer = YAML::Load(Get("/api/v1/query", {"query=" + expression.text}).out);
    if (answer["status"] && answer["status"].as<std::string>() == "success")
      return answer["data"]["result"];
    ADD_FAILURE() << expression.where << ": " << answer << "\n" << expression.text;
    return {};
  }
  // The one number an expression gives; -1 when it gives none or several.
  [[nodiscard]] double Number(const std::string& text) const {
    const YAML::Node result = Query({text, text});
    return result.size() == 1 ? result[0]["value"][1].as<double>() : -1;
  }
  // Every series there was, by metric, with its labels.
  [[nodiscard]] std::map<std::string, std::set<std::string>> Labels() const {
    std::map<std::string, std::set<std::string>> labels;
    const YAML::Node answer = YAML::Load(Get("/api/v1/series", {"match[]={__name__=~\".+\"}"}).out);
    for (const YAML::Node& series : answer["data"])
      for (const auto& label : series)
        labels[series["__name__"].as<std::string>()].insert(label.first.as<std::string>());
    return labels;
  }

 private:
  void WriteConfig(const std::string& target) {
    std::ofstream(Config())
        << "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: ["
        << kRules.string()
        << "]\nscrape_configs:\n  - job_name: station\n    static_configs: [{targets: [\"" << target
        << "\"]}]\n";
  }
  [[nodiscard]] Finished Get(const std::string& path,
                             const std::vector<std::string>& parameters) const {
    std::vector<std::string> command = {
        "curl", "-sS", "--noproxy", "*", "--max-time", "10", "-G", "http://" + address_ + path};
    if (parameters.empty()) command.emplace_back("--fail");
    for (const std::string& parameter : parameters)
      command.insert(command.end(), {"--data-urlencode", parameter});
    return Run(command, 15);
  }

  std::filesystem::path dir_;
  std::string address_;
  Background program_;
};

// Which expressions have not returned anything yet.
class Pending {
 public:
  Pending(const Prometheus& prometheus, std::vector<Expression> expressions)
      : prometheus_(prometheus), expressions_(std::move(expressions)) {}
  // Asks for those again; true once each has returned something (or was found not to parse, and
  // failed the test).
  bool Ask() {
    std::erase_if(expressions_, [this](const Expression& expression) {
      const YAML::Node result = prometheus_.Query(expression);
      return !result.IsSequence() || result.size() > 0;
    });
    return expressions_.empty();
  }
  [[nodiscard]] std::string Text() const {
    std::string text;
    for (const Expression& expression : expressions_)
      text += "\n  " + expression.where + ": " + expression.text;
    return text;
  }

 private:
  const Prometheus& prometheus_;
  std::vector<Expression> expressions_;
};

class PrometheusTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* program : {"prometheus", "promtool"})
      if (!Installed(program))
        GTEST_SKIP() << program << " is not installed: apt install prometheus";
  }
};

void ExpectSuccess(const std::vector<std::string>& command) {
  const Finished done = Run(command, 60);
  EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
}

TEST_F(PrometheusTest, RulesPassTheirOwnTests) {
  ExpectSuccess({"promtool", "check", "rules", kRules});
  ExpectSuccess({"promtool", "test", "rules", kFolder / "station.rules.test.yml"});
}

std::vector<Expression> RecordingRules() {
  std::vector<Expression> expressions;
  for (const dashboards::Rule& rule : dashboards::Rules(kRules))
    if (!rule.alert) {
      expressions.push_back({"rule " + rule.name, rule.expression});
      expressions.push_back({"record " + rule.name, rule.name});
    }
  return expressions;
}

std::vector<Expression> Alerts() {
  std::vector<Expression> expressions;
  for (const dashboards::Rule& rule : dashboards::Rules(kRules))
    if (rule.alert) expressions.push_back({rule.name, rule.expression});
  return expressions;
}

std::vector<Expression> AlertsWithCause() {
  std::vector<Expression> expressions = Alerts();
  std::erase_if(expressions, [](const Expression& alert) {
    return kNoCause.contains(alert.where) || kUpToTheMachine.contains(alert.where);
  });
  return expressions;
}

class WatchedCart : public PrometheusTest {
 protected:
  void Start() {
    bench_.Start();
    ASSERT_FALSE(HasFatalFailure());
    std::ifstream(bench_.RunDir() / "metrics.address") >> target_;
    prometheus_.Start(target_);
    ExpectSuccess({"promtool", "check", "config", prometheus_.Config()});
    ASSERT_TRUE(bench_.Await(
        "Prometheus is ready", [this] { return prometheus_.Ready(); }, 20));
    // What has not been seen with 0 has no increase.
    ASSERT_TRUE(bench_.Await(
        "the ports are scraped",
        [this] {
          return prometheus_.Number("count(station_port_jobs_total{outcome=\"restored\"})") == 4;
        },
        20));
  }

  [[nodiscard]] bool AllAre(const std::map<std::string, std::string>& states) {
    std::map<std::string, std::string> seen;
    const YAML::Node ports = bench_.Ctl({"ports"})["ports"];
    for (const YAML::Node& port : ports)
      seen[port["path"].as<std::string>()] = port["state"].as<std::string>();
    for (const auto& [port, state] : states)
      if (seen[port] != "PORT_STATE_" + state) return false;
    return true;
  }

  void AwaitAll(const std::string& what, Pending& pending) {
    const bool reached = bench_.Await(
        what, [&] { return pending.Ask(); }, 15);
    EXPECT_TRUE(reached) << "no data for" << pending.Text();
  }
  void AwaitNumber(const std::string& expression, double expected) {
    double seen = 0;
    const auto holds = [&] { return (seen = prometheus_.Number(expression)) == expected; };
    EXPECT_TRUE(bench_.Await(expression, holds, 10)) << "is " << seen << ", not " << expected;
  }

  // The error of a port's last job by the name metrics use: ERROR_CODE_PHONE_GONE is phone_gone.
  std::string ErrorAt(const std::string& port) {
    std::string name = bench_.LastJob(port)["error_code"].as<std::string>();
    name.erase(0, std::string("ERROR_CODE_").size());
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    return name;
  }

  void ExpectSilenceWithoutCause() {
    for (const Expression& alert : Alerts()) {
      const YAML::Node result = prometheus_.Query(alert);  // whatever it gives, it parses
      if (!kNoCause.contains(alert.where)) continue;
      EXPECT_EQ(result.size(), 0U)
          << alert.where << " must be silent: " << kNoCause.at(alert.where) << "\n"
          << result;
    }
  }

  void ExpectNoIdentityIn(const std::string& metrics) {
    ASSERT_NE(metrics.find("station_port_state"), std::string::npos);
    for (const char* name : {"A1", "A3", "X1"}) {
      const YAML::Node phone = bench_.Phone(name);
      for (const char* identity : {"ecid", "udid", "serial"}) {
        ASSERT_TRUE(phone[identity]) << phone;
        EXPECT_EQ(metrics.find(phone[identity].as<std::string>()), std::string::npos) << identity;
      }
    }
    EXPECT_EQ(metrics.find("e1ec1d0"), std::string::npos) << "an ECID";
  }

  // Imports and restores, asking for `expressions` all the while: some have data only while
  // something happens.
  void RestoreWhileAsking(std::vector<Expression> expressions) {
    Pending pending(prometheus_, std::move(expressions));
    (void)bench_.Import("iphone8_ios15");
    ASSERT_TRUE(bench_.Await("the phones are known", [&] {
      return AllAre({{"1-1.1", "IDLE"}, {"1-1.2", "IDLE"}, {"1-1.3", "IDLE"}, {"1-1.4", "IDLE"}});
    }));
    ASSERT_EQ(bench_.Rack({"fault", "A3", "fail-at-step", "format-media", "6"}).exit_code, 0);
    ASSERT_EQ(bench_.Rack({"fault", "A1", "corrupt-upload", "RestoreKernelCache"}).exit_code, 0);
    const Finished armed = bench_.CtlRaw({"arm", "--all-present", "--countdown", "0s", "--yes"});
    ASSERT_EQ(armed.exit_code, 0) << armed.out << armed.err;
    ASSERT_TRUE(bench_.Await("two restored, one failed, one held", [&] {
      (void)pending.Ask();
      return AllAre({{"1-1.1", "DONE"}, {"1-1.2", "DONE"}, {"1-1.3", "FAILED"}, {"1-1.4", "HELD"}});
    }));
    AwaitAll("every panel and record has shown something", pending);
  }

  Bench bench_{{.cart = kCart, .extra_config = "jobs:\n  concurrency: 2\n"}};
  Prometheus prometheus_;
  std::string target_;
};

void ExpectNamesExist(const std::vector<Expression>& expressions,
                      const std::map<std::string, std::set<std::string>>& live) {
  const auto has = [&](const std::string& metric, const std::string& label) {
    const auto found = live.find(metric);
    return found != live.end() && found->second.contains(label);
  };
  for (const Expression& expression : expressions) {
    const dashboards::Names names = dashboards::NamesIn(expression.text);
    EXPECT_FALSE(names.metrics.empty()) << expression.where;
    for (const std::string& metric : names.metrics)
      EXPECT_TRUE(live.contains(metric)) << expression.where << ": no metric is called " << metric;
    for (const dashboards::Matcher& matcher : names.matchers)
      EXPECT_TRUE(has(matcher.metric, matcher.label))
          << expression.where << ": " << matcher.metric << " has no label " << matcher.label;
    for (const std::string& label : names.grouping) {
      const bool somewhere = std::ranges::any_of(
          names.metrics, [&](const auto& metric) { return has(metric, label); });
      EXPECT_TRUE(somewhere) << expression.where << ": nothing in it has a label " << label;
    }
  }
}

TEST_F(WatchedCart, EveryPanelAndRuleShowsWhatHappens) {
  Start();
  ASSERT_FALSE(HasFatalFailure());
  std::vector<Expression> panels = dashboards::PanelExpressions(kDashboard);
  ASSERT_GT(panels.size(), 40U);
  std::vector<Expression> shown = panels;
  for (const Expression& record : RecordingRules()) shown.push_back(record);
  RestoreWhileAsking(shown);
  ASSERT_FALSE(HasFatalFailure());

  // Not only some data: the right data.
  AwaitNumber("round(sum(station:restored:increase1h))", 2);
  AwaitNumber("round(station:port_failures:increase1h > 0.5)", 1);
  AwaitNumber("sum(station_job_errors_total{error=\"" + ErrorAt("1-1.3") + "\"})", 1);
  AwaitNumber("sum(ALERTS{alertname=\"FirmwareMissing\", port=~\".+\"})", 1);
  EXPECT_GE(prometheus_.Number("sum(station_streamed_bytes_total)"), 2.0 * (24 << 20));

  Pending alerts(prometheus_, AlertsWithCause());
  (void)alerts.Ask();
  ASSERT_EQ(bench_.CtlRaw({"stop"}).exit_code, 0);
  AwaitNumber("sum(ALERTS{alertname=\"EmergencyStopEngaged\", alertstate=\"firing\"})", 1);
  (void)alerts.Ask();
  ExpectSilenceWithoutCause();
  ExpectNoIdentityIn(bench_.Metrics());
  bench_.StopStation();  // the cause of the last one
  AwaitAll("every alert with a cause has data", alerts);

  for (const Expression& alert : Alerts()) panels.push_back(alert);
  for (const Expression& record : RecordingRules()) panels.push_back(record);
  ExpectNamesExist(panels, prometheus_.Labels());
}

}  // namespace
}  // namespace station::integration
