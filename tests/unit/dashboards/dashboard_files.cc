#include "tests/unit/dashboards/dashboard_files.h"

#include <yaml-cpp/yaml.h>

#include <cctype>
#include <utility>

namespace station::dashboards {
namespace {

// What a Grafana variable stands for when everything is shown; longer names first.
constexpr std::pair<std::string_view, std::string_view> kVariables[] = {
    {"$__rate_interval", "1m"}, {"$__interval", "1m"}, {"$__range", "1h"},
    {"$instance", ".*"},        {"$port", ".*"},       {"$step", ".*"},
};

std::string Substituted(std::string text) {
  for (const auto& [name, value] : kVariables)
    for (std::size_t at = 0; (at = text.find(name, at)) != std::string::npos; at += value.size())
      text.replace(at, name.size(), value);
  return text;
}

// label_values(SELECTOR, LABEL) is Grafana's own; it shows what this expression groups by.
std::string AsExpression(const std::string& query) {
  constexpr std::string_view kFunction = "label_values(";
  const std::size_t comma = query.rfind(',');
  if (!query.starts_with(kFunction) || comma == std::string::npos) return query;
  const std::string selector = query.substr(kFunction.size(), comma - kFunction.size());
  std::string label = query.substr(comma + 1, query.size() - comma - 2);
  std::erase(label, ' ');
  return "group by (" + label + ") (" + selector + ")";
}

void AddPanels(const YAML::Node& panels, std::vector<Expression>& found) {
  for (const YAML::Node& panel : panels) {
    if (panel["panels"]) AddPanels(panel["panels"], found);
    if (!panel["targets"]) continue;
    for (const YAML::Node& target : panel["targets"])
      found.push_back({panel["title"].as<std::string>() + ", " + target["refId"].as<std::string>(),
                       Substituted(target["expr"].as<std::string>())});
  }
}

struct Token {
  enum class Kind { kName, kText, kNumber, kOther, kEnd };
  Kind kind = Kind::kEnd;
  std::string text;
};

bool BeginsName(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || c == ':';
}
bool InName(char c) { return BeginsName(c) || std::isdigit(static_cast<unsigned char>(c)) != 0; }

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}
  Token Next() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    if (at_ >= text_.size()) return {};
    const char first = text_[at_];
    if (first == '"' || first == '\'') return Quoted(first);
    if (BeginsName(first)) return {Token::Kind::kName, Take(InName)};
    // Durations and exponents too: 5m, 20e9, 0.95.
    if (std::isdigit(static_cast<unsigned char>(first)) != 0)
      return {Token::Kind::kNumber, Take([](char c) { return InName(c) || c == '.'; })};
    if (first == '=' || first == '!')
      return {Token::Kind::kOther, Take([](char c) { return c == '=' || c == '!' || c == '~'; })};
    ++at_;
    return {Token::Kind::kOther, std::string(1, first)};
  }

 private:
  template <typename Belongs>
  std::string Take(Belongs belongs) {
    const std::size_t start = at_;
    while (at_ < text_.size() && belongs(text_[at_])) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }
  Token Quoted(char quote) {
    const std::size_t end = text_.find(quote, at_ + 1);
    Token token{Token::Kind::kText, std::string(text_.substr(at_ + 1, end - at_ - 1))};
    at_ = end == std::string_view::npos ? text_.size() : end + 1;
    return token;
  }
  std::string_view text_;
  std::size_t at_ = 0;
};

const std::set<std::string> kGroupingWords = {"by",       "without",    "on",
                                              "ignoring", "group_left", "group_right"};
const std::set<std::string> kOperators = {"and", "or", "unless", "bool", "offset", "atan2"};

std::vector<Token> Tokens(std::string_view expression) {
  Lexer lexer(expression);
  std::vector<Token> tokens;
  for (Token token = lexer.Next(); token.kind != Token::Kind::kEnd; token = lexer.Next())
    tokens.push_back(std::move(token));
  tokens.push_back({});
  return tokens;
}

}  // namespace

std::vector<Expression> PanelExpressions(const std::filesystem::path& dashboard) {
  const YAML::Node root = YAML::LoadFile(dashboard);
  std::vector<Expression> found;
  AddPanels(root["panels"], found);
  for (const YAML::Node& variable : root["templating"]["list"])
    if (variable["type"].as<std::string>() == "query")
      found.push_back({"variable " + variable["name"].as<std::string>(),
                       AsExpression(Substituted(variable["query"]["query"].as<std::string>()))});
  return found;
}

std::vector<Rule> Rules(const std::filesystem::path& rules) {
  using Texts = std::map<std::string, std::string>;
  std::vector<Rule> found;
  for (const YAML::Node& group : YAML::LoadFile(rules)["groups"])
    for (const YAML::Node& rule : group["rules"]) {
      const bool alert = rule["alert"].IsDefined();
      found.push_back(
          {.name = rule[alert ? "alert" : "record"].as<std::string>(),
           .alert = alert,
           .expression = rule["expr"].as<std::string>(),
           .labels = rule["labels"] ? rule["labels"].as<Texts>() : Texts{},
           .annotations = rule["annotations"] ? rule["annotations"].as<Texts>() : Texts{}});
    }
  return found;
}

Names NamesIn(std::string_view expression) {
  const std::vector<Token> tokens = Tokens(expression);
  Names names;
  std::string metric;  // whose selector may follow
  for (std::size_t i = 0; tokens[i].kind != Token::Kind::kEnd; ++i) {
    const std::string& text = tokens[i].text;
    const std::string& next = tokens[i + 1].text;
    if (tokens[i].kind == Token::Kind::kOther && text == "{") {
      for (++i; tokens[i].text != "}" && tokens[i].kind != Token::Kind::kEnd; ++i)
        if (tokens[i].kind == Token::Kind::kName)
          names.matchers.push_back(
              {metric, tokens[i].text, tokens[i + 1].text, tokens[i + 2].text});
    } else if (tokens[i].kind == Token::Kind::kName && kGroupingWords.contains(text) &&
               next == "(") {
      for (i += 2; tokens[i].text != ")" && tokens[i].kind != Token::Kind::kEnd; ++i)
        if (tokens[i].kind == Token::Kind::kName) names.grouping.insert(tokens[i].text);
    } else if (tokens[i].kind == Token::Kind::kName && next != "(" && !kOperators.contains(text) &&
               !kGroupingWords.contains(text) && !kGroupingWords.contains(next)) {
      names.metrics.insert(text);
      metric = text;
      continue;
    }
    metric.clear();
  }
  return names;
}

std::vector<std::string> Alternatives(std::string_view pattern) {
  std::vector<std::string> all;
  while (true) {
    const std::size_t bar = pattern.find('|');
    all.emplace_back(pattern.substr(0, bar));
    if (bar == std::string_view::npos) return all;
    pattern.remove_prefix(bar + 1);
  }
}

}  // namespace station::dashboards
