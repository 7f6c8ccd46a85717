#include "config/yaml/map_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <numeric>

namespace station::config::yaml {
namespace {

// Number of single-letter changes between two words.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string Nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    if (const std::size_t distance = Distance(word, candidate); distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

std::optional<std::uint64_t> ParseNumber(std::string_view text) {
  const bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::chrono::seconds> ParseDuration(std::string_view text) {
  if (text.size() < 2 || text.starts_with("0x")) return std::nullopt;
  const auto count = ParseNumber(text.substr(0, text.size() - 1));
  if (!count || *count > 1'000'000) return std::nullopt;
  const auto amount = static_cast<std::int64_t>(*count);
  switch (text.back()) {
    case 's':
      return std::chrono::seconds(amount);
    case 'm':
      return std::chrono::minutes(amount);
    case 'h':
      return std::chrono::hours(amount);
    default:
      return std::nullopt;
  }
}

std::string DurationText(std::chrono::seconds duration) {
  const auto count = duration.count();
  if (count != 0 && count % 3600 == 0) return fmt::format("{}h", count / 3600);
  if (count != 0 && count % 60 == 0) return fmt::format("{}m", count / 60);
  return fmt::format("{}s", count);
}

void Faults::Add(Place place, std::string wrong, std::string allowed) {
  if (!first_ || place < first_->place) first_ = Found{place, std::move(wrong), std::move(allowed)};
}

Status Faults::Verdict() const {
  if (!first_) return {};
  return std::unexpected(Fault(file_, first_->place, first_->wrong, first_->allowed));
}

MapReader::MapReader(const Node* node, std::string where, Faults& faults)
    : node_(node), where_(std::move(where)), faults_(faults) {
  if (node_ == nullptr || node_->kind == Kind::kMap) return;
  if (node_->kind != Kind::kNothing)
    faults_.Add(node_->place, fmt::format("{} is {}", where_, Describe(node_->kind)),
                "a section of \"key: value\" lines");
  node_ = nullptr;
}

const Node* MapReader::Take(std::string_view key) {
  known_.emplace_back(key);
  if (node_ == nullptr) return nullptr;
  const auto found = std::ranges::find(node_->entries, key, &Entry::key);
  return found == node_->entries.end() ? nullptr : &found->value;
}

void MapReader::Require(std::initializer_list<std::string_view> keys) {
  if (node_ == nullptr) return;
  for (const std::string_view key : keys) {
    if (std::ranges::find(node_->entries, key, &Entry::key) != node_->entries.end()) continue;
    faults_.Add(node_->place, fmt::format("{} lacks \"{}\"", where_, key),
                fmt::format("all of {}", fmt::join(keys, ", ")));
    return;
  }
}

void MapReader::RejectRest() {
  if (node_ == nullptr) return;
  for (const Entry& entry : node_->entries) {
    if (std::ranges::find(known_, entry.key) != known_.end()) continue;
    const std::string nearest = Nearest(entry.key, known_);
    const std::string hint = nearest.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", nearest);
    faults_.Add(entry.place, fmt::format("unknown key \"{}\" in {}{}", entry.key, where_, hint),
                fmt::format("{}", fmt::join(known_, ", ")));
  }
}

std::optional<std::string> MapReader::Scalar(std::string_view key, const Node& node,
                                             std::string_view allowed) {
  if (node.kind == Kind::kScalar) return node.text;
  const std::string wrong = node.kind == Kind::kNothing
                                ? fmt::format("\"{}\" has no value", key)
                                : fmt::format("\"{}\" is {}", key, Describe(node.kind));
  faults_.Add(node.place, wrong, std::string(allowed));
  return std::nullopt;
}

void MapReader::Text(std::string_view key, std::string& target, const TextRule& rule) {
  const Node* node = Take(key);
  if (node == nullptr) return;
  auto text = Scalar(key, *node, rule.allowed);
  if (!text) return;
  if (rule.holds(*text)) {
    target = std::move(*text);
  } else {
    faults_.Add(node->place, fmt::format("\"{}\" is \"{}\"", key, *text),
                std::string(rule.allowed));
  }
}

void MapReader::Texts(std::string_view key, std::vector<std::string>& target,
                      const TextRule& rule) {
  const Node* node = Take(key);
  if (node == nullptr || node->kind == Kind::kNothing) return;
  if (node->kind != Kind::kList) {
    faults_.Add(node->place, fmt::format("\"{}\" is {}", key, Describe(node->kind)),
                fmt::format("a list of: {}", rule.allowed));
    return;
  }
  std::vector<std::string> texts;
  for (const Node& item : node->items) {
    auto text = Scalar(key, item, rule.allowed);
    if (!text) return;
    if (!rule.holds(*text)) {
      faults_.Add(item.place, fmt::format("\"{}\" holds \"{}\"", key, *text),
                  std::string(rule.allowed));
      return;
    }
    texts.push_back(std::move(*text));
  }
  target = std::move(texts);
}

void MapReader::AbsolutePath(std::string_view key, std::filesystem::path& target,
                             bool may_be_empty) {
  std::string text = target.string();
  Text(key, text,
       {[=](std::string_view path) { return path.empty() ? may_be_empty : path.starts_with('/'); },
        may_be_empty ? "a path that begins with /, or \"\"" : "a path that begins with /"});
  target = text;
}

void MapReader::Number(std::string_view key, std::uint64_t& target, std::uint64_t least,
                       std::uint64_t most) {
  const Node* node = Take(key);
  if (node == nullptr) return;
  const std::string allowed = fmt::format("a whole number from {} to {}", least, most);
  const auto text = Scalar(key, *node, allowed);
  if (!text) return;
  const auto number = node->quoted ? std::nullopt : ParseNumber(*text);
  if (number && *number >= least && *number <= most) {
    target = *number;
  } else {
    faults_.Add(node->place,
                fmt::format("\"{}\" is {}{}", key, *text, node->quoted ? " in quotes" : ""),
                allowed);
  }
}

void MapReader::Bool(std::string_view key, bool& target) {
  const Node* node = Take(key);
  if (node == nullptr) return;
  const auto text = Scalar(key, *node, "true or false");
  if (!text) return;
  if (!node->quoted && (*text == "true" || *text == "false")) {
    target = *text == "true";
  } else {
    faults_.Add(node->place, fmt::format("\"{}\" is \"{}\"", key, *text), "true or false");
  }
}

void MapReader::Duration(std::string_view key, std::chrono::seconds& target,
                         std::chrono::seconds least, std::chrono::seconds most) {
  const std::string allowed = fmt::format("a time from {} to {}, as 10s, 15m or 2h",
                                          DurationText(least), DurationText(most));
  std::string text = DurationText(target);
  Text(key, text,
       {[=](std::string_view value) {
          const auto duration = ParseDuration(value);
          return duration && *duration >= least && *duration <= most;
        },
        allowed});
  target = *ParseDuration(text);
}

}  // namespace station::config::yaml
