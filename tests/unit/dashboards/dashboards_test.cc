// dashboards/ speaks in the station's own words: states, steps, outcomes and error codes are those
// of station/base, every alert tells what to do, and the runbook knows every alert and every error
// code.

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "station/base/enums.h"
#include "station/base/error_code.h"
#include "tests/unit/dashboards/dashboard_files.h"

namespace station::dashboards {
namespace {

const std::filesystem::path kFolder = STATION_SOURCE_DIR "/dashboards";
const std::filesystem::path kDashboard = kFolder / "cart-overview.json";
const std::filesystem::path kRules = kFolder / "station.rules.yml";

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> Lines(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

template <typename Enum, std::size_t N>
std::set<std::string> NamesOf(const std::array<Enum, N>& all) {
  std::set<std::string> names;
  for (const Enum value : all) names.emplace(Name(value));
  return names;
}

// What the label values of a closed list may be.
const std::map<std::string, std::set<std::string>>& ClosedLists() {
  static const std::map<std::string, std::set<std::string>> lists = [] {
    std::map<std::string, std::set<std::string>> made = {{"state", NamesOf(kAllPortStates)},
                                                         {"step", NamesOf(kAllSteps)},
                                                         {"outcome", NamesOf(kAllOutcomes)}};
    for (const ErrorInfo& info : AllErrorCodes()) made["error"].emplace(info.name);
    return made;
  }();
  return lists;
}

std::vector<Expression> EveryExpression() {
  std::vector<Expression> all = PanelExpressions(kDashboard);
  for (const Rule& rule : Rules(kRules)) all.push_back({rule.name, rule.expression});
  return all;
}

TEST(NamesIn, TellsMetricsFromLabelsFunctionsAndWords) {
  const Names names = NamesIn(
      R"(sum by (job, port) (rate(a_total{x="1", y=~"b|c"}[5m])) / on (job) group_left (z) (r:s:t > bool 2e9) or vector(0))");
  EXPECT_EQ(names.metrics, (std::set<std::string>{"a_total", "r:s:t"}));
  EXPECT_EQ(names.grouping, (std::set<std::string>{"job", "port", "z"}));
  ASSERT_EQ(names.matchers.size(), 2U);
  EXPECT_EQ(names.matchers[1].metric, "a_total");
  EXPECT_EQ(names.matchers[1].label, "y");
  EXPECT_EQ(names.matchers[1].op, "=~");
  EXPECT_EQ(Alternatives(names.matchers[1].text), (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(NamesIn("sum(x) by (le)").metrics, std::set<std::string>{"x"});
  EXPECT_EQ(NamesIn("time() - x").metrics, std::set<std::string>{"x"});
}

TEST(Dashboards, CompareOnlyWithWordsOfTheClosedLists) {
  for (const Expression& expression : EveryExpression()) {
    for (const Matcher& matcher : NamesIn(expression.text).matchers) {
      const auto list = ClosedLists().find(matcher.label);
      if (list == ClosedLists().end() || matcher.text == ".*") continue;
      for (const std::string& word : Alternatives(matcher.text))
        EXPECT_TRUE(list->second.contains(word))
            << expression.where << ": no " << matcher.label << " is called " << word;
    }
  }
}

// A phone's identity can be no label, so it can be no label here either.
TEST(Dashboards, UseNoOtherLabelsThanTheMetricsHave) {
  const std::set<std::string> allowed = {"port",    "product",    "state",    "step", "outcome",
                                         "error",   "le",         "instance", "job",  "station",
                                         "version", "alertstate", "budget",  "rung"};
  for (const Expression& expression : EveryExpression()) {
    const Names names = NamesIn(expression.text);
    for (const std::string& label : names.grouping)
      EXPECT_TRUE(allowed.contains(label)) << expression.where << ": " << label;
    for (const Matcher& matcher : names.matchers)
      EXPECT_TRUE(allowed.contains(matcher.label)) << expression.where << ": " << matcher.label;
  }
}

void CollectPanels(const YAML::Node& panels, std::vector<YAML::Node>& all) {
  for (const YAML::Node& panel : panels) {
    all.push_back(panel);
    if (panel["panels"]) CollectPanels(panel["panels"], all);
  }
}

std::vector<YAML::Node> AllPanels() {
  std::vector<YAML::Node> all;
  CollectPanels(YAML::LoadFile(kDashboard)["panels"], all);
  return all;
}

TEST(CartOverview, IsADashboardGrafanaCanImport) {
  const YAML::Node root = YAML::LoadFile(kDashboard);
  EXPECT_EQ(root["uid"].as<std::string>(), "station-cart-overview")
      << "links lead to it: never change it";
  EXPECT_FALSE(root["id"]) << "an id belongs to one Grafana only";
  EXPECT_EQ(root["refresh"].as<std::string>(), "5s");
  EXPECT_GE(root["schemaVersion"].as<int>(), 36);
  EXPECT_GT(root["tags"].size(), 0U);
  EXPECT_EQ(root["templating"]["list"][0]["type"].as<std::string>(), "datasource");
  EXPECT_EQ(root["templating"]["list"][0]["query"].as<std::string>(), "prometheus");
  std::set<int> ids;
  std::set<std::pair<int, int>> cells;
  for (const YAML::Node& panel : AllPanels()) {
    const auto title = panel["title"].as<std::string>();
    EXPECT_TRUE(ids.insert(panel["id"].as<int>()).second) << title;
    const YAML::Node place = panel["gridPos"];
    const int right = place["x"].as<int>() + place["w"].as<int>();
    EXPECT_LE(right, 24) << title;
    for (int x = place["x"].as<int>(); x < right; ++x)
      for (int y = place["y"].as<int>(); y < place["y"].as<int>() + place["h"].as<int>(); ++y)
        EXPECT_TRUE(cells.insert({x, y}).second) << title << " lies over another panel";
    if (panel["type"].as<std::string>() == "row") continue;
    EXPECT_EQ(panel["datasource"]["uid"].as<std::string>(), "${datasource}") << title;
    std::set<std::string> refs;
    for (const YAML::Node& target : panel["targets"]) {
      EXPECT_EQ(target["datasource"]["uid"].as<std::string>(), "${datasource}") << title;
      EXPECT_TRUE(refs.insert(target["refId"].as<std::string>()).second) << title;
    }
    EXPECT_FALSE(refs.empty()) << title;
  }
}

TEST(CartOverview, EveryVariableIsReplaced) {
  for (const Expression& expression : PanelExpressions(kDashboard))
    for (std::size_t at = 0; (at = expression.text.find('$', at)) != std::string::npos; ++at)
      EXPECT_EQ(expression.text.substr(at, 2), "$1") << expression.where << ": " << expression.text;
}

const YAML::Node PanelCalled(const std::string& title) {
  for (const YAML::Node& panel : AllPanels())
    if (panel["title"].as<std::string>() == title) return panel;
  ADD_FAILURE() << "no panel " << title;
  return {};
}

std::map<std::string, std::string> Texts(const YAML::Node& mappings) {
  std::map<std::string, std::string> texts;
  for (const auto& option : mappings[0]["options"])
    texts[option.first.as<std::string>()] = option.second["text"].as<std::string>();
  return texts;
}

YAML::Node MappingsOfColumn(const YAML::Node& panel, const std::string& column) {
  for (const YAML::Node& field : panel["fieldConfig"]["overrides"])
    if (field["matcher"]["options"].as<std::string>() == column)
      for (const YAML::Node& property : field["properties"])
        if (property["id"].as<std::string>() == "mappings") return property["value"];
  ADD_FAILURE() << "no mappings for " << column;
  return {};
}

TEST(CartOverview, ShowsEveryStateByItsName) {
  std::map<std::string, std::string> by_number;
  std::map<std::string, std::string> by_name;
  for (const PortState state : kAllPortStates) {
    by_number[std::to_string(static_cast<int>(state))] = Name(state);
    by_name[std::string(Name(state))] = Name(state);
  }
  const YAML::Node timeline = PanelCalled("Ports by state over time");
  EXPECT_EQ(Texts(timeline["fieldConfig"]["defaults"]["mappings"]), by_number);
  EXPECT_EQ(Texts(MappingsOfColumn(PanelCalled("Every port now"), "State")), by_name);
}

TEST(CartOverview, SaysWhatToDoAboutEveryErrorCode) {
  auto shown = Texts(MappingsOfColumn(PanelCalled("Every port now"), "What to do"));
  int index = 0;
  for (const ErrorInfo& info : AllErrorCodes()) {
    const std::string line(info.operator_line);
    EXPECT_EQ(shown[std::string(info.name)], line)
        << "cart-overview.json must hold\n\"" << info.name << "\": {\"text\": \"" << line
        << "\", \"index\": " << index << "}";
    shown.erase(std::string(info.name));
    ++index;
  }
  for (const auto& [name, line] : shown) ADD_FAILURE() << "there is no error code " << name;
}

std::string Lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::set<std::string> RunbookSections() {
  std::set<std::string> sections;
  for (const std::string& line : Lines(kFolder / "RUNBOOK.md"))
    if (line.starts_with("## ")) sections.insert(line.substr(3));
  return sections;
}

TEST(Alerts, EachSaysHowSevereWhatAndWhatToDo) {
  const std::set<std::string> sections = RunbookSections();
  for (const Rule& rule : Rules(kRules)) {
    if (!rule.alert) continue;
    EXPECT_TRUE(rule.labels.contains("severity")) << rule.name;
    const std::string severity = rule.labels.contains("severity") ? rule.labels.at("severity") : "";
    EXPECT_TRUE(severity == "critical" || severity == "warning") << rule.name << ": " << severity;
    for (const char* annotation : {"summary", "description", "runbook_url"})
      EXPECT_TRUE(rule.annotations.contains(annotation)) << rule.name << " has no " << annotation;
    if (rule.annotations.contains("runbook_url")) {
      EXPECT_EQ(rule.annotations.at("runbook_url"), "dashboards/RUNBOOK.md#" + Lower(rule.name));
    }
    EXPECT_TRUE(sections.contains(rule.name)) << "RUNBOOK.md says nothing about " << rule.name;
  }
}

TEST(Alerts, EveryRunbookSectionIsOfAnAlertThatExists) {
  std::set<std::string> known = {"Error codes"};
  for (const Rule& rule : Rules(kRules))
    if (rule.alert) known.insert(rule.name);
  for (const std::string& section : RunbookSections())
    EXPECT_TRUE(known.contains(section)) << section;
}

// promtool runs them; whether there is one to run is seen here.
TEST(Alerts, EachHasATestInWhichItFiresAndOneInWhichItIsSilent) {
  std::set<std::string> fires;
  std::set<std::string> silent;
  const YAML::Node tests = YAML::LoadFile(kFolder / "station.rules.test.yml")["tests"];
  for (const YAML::Node& test : tests)
    for (const YAML::Node& check : test["promql_expr_test"])
      for (const Matcher& matcher : NamesIn(check["expr"].as<std::string>()).matchers)
        if (matcher.label == "alertname")
          (check["exp_samples"].size() > 0 ? fires : silent).insert(matcher.text);
  for (const Rule& rule : Rules(kRules)) {
    if (!rule.alert) continue;
    EXPECT_TRUE(fires.contains(rule.name)) << rule.name;
    EXPECT_TRUE(silent.contains(rule.name)) << rule.name;
  }
}

TEST(Runbook, HasEveryErrorCodeWithItsOperatorLine) {
  std::vector<std::string> rows;
  for (const std::string& line : Lines(kFolder / "RUNBOOK.md"))
    if (line.starts_with("| ") && !line.starts_with("| Number")) rows.push_back(line);
  std::vector<std::string> expected;
  for (const ErrorInfo& info : AllErrorCodes())
    expected.push_back("| " + std::to_string(static_cast<int>(info.code)) + " | `" +
                       std::string(info.name) + "` | " + std::string(info.operator_line) + " |");
  for (const std::string& row : expected)
    EXPECT_NE(std::ranges::find(rows, row), rows.end()) << "RUNBOOK.md must hold\n" << row;
  for (const std::string& row : rows)
    EXPECT_NE(std::ranges::find(expected, row), expected.end()) << "RUNBOOK.md must not hold\n"
                                                                << row;
  EXPECT_TRUE(std::ranges::equal(rows, expected)) << "in the order of the numbers";
}

TEST(Readme, NamesEveryFile) {
  const std::string readme = ReadAll(kFolder / "README.md");
  for (const auto& file : std::filesystem::directory_iterator(kFolder))
    if (file.path().filename() != "README.md") {
      EXPECT_NE(readme.find("`" + file.path().filename().string() + "`"), std::string::npos)
          << file.path();
    }
}

}  // namespace
}  // namespace station::dashboards
