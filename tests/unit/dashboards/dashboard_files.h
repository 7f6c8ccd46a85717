#pragma once
// Reads dashboards/: every expression with where it stands, and which names an expression uses.

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace station::dashboards {

struct Expression {
  std::string where;  // "Every port now, B", "variable port", "alert PortStuck"
  std::string text;   // Grafana's variables replaced, so that Prometheus understands it
};

// Of every panel, and of every variable that asks Prometheus. Throws YAML::Exception.
[[nodiscard]] std::vector<Expression> PanelExpressions(const std::filesystem::path& dashboard);

struct Rule {
  std::string name;
  bool alert = false;
  std::string expression;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
};
[[nodiscard]] std::vector<Rule> Rules(const std::filesystem::path& rules);

// `label` is compared with `text` by `op` ("=", "=~", "!=", "!~").
struct Matcher {
  std::string metric;  // empty when the selector names none
  std::string label;
  std::string op;
  std::string text;
};
struct Names {
  std::set<std::string> metrics;
  std::vector<Matcher> matchers;
  std::set<std::string> grouping;  // in by (...), on (...), group_left (...)
};
[[nodiscard]] Names NamesIn(std::string_view expression);

// "held|failed" -> held, failed.
[[nodiscard]] std::vector<std::string> Alternatives(std::string_view pattern);

}  // namespace station::dashboards
