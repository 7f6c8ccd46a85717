#pragma once
// Takes the keys it knows out of one YAML section and rejects the rest, so that a misspelt key is
// never silently ignored. Faults are collected; the one that stands first in the file is reported.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml/document.h"

namespace station::config::yaml {

// The first fault of one file.
class Faults {
 public:
  explicit Faults(std::string file) : file_(std::move(file)) {}
  void Add(Place place, std::string wrong, std::string allowed);
  // The fault that stands first in the file, or nothing.
  [[nodiscard]] Status Verdict() const;

 private:
  struct Found {
    Place place;
    std::string wrong;
    std::string allowed;
  };
  std::string file_;
  std::optional<Found> first_;
};

// What a text may be: the check, and how to say it.
struct TextRule {
  std::function<bool(std::string_view)> holds;
  std::string_view allowed;
};

class MapReader {
 public:
  // `where` names the section in messages; an absent or empty section leaves every default. A node
  // that is no section is a fault. `node` may be null; it and `faults` must outlive the reader.
  MapReader(const Node* node, std::string where, Faults& faults);

  // Each leaves `target` alone when the key is absent or wrong.
  void Text(std::string_view key, std::string& target, const TextRule& rule);
  void Texts(std::string_view key, std::vector<std::string>& target, const TextRule& rule);
  void AbsolutePath(std::string_view key, std::filesystem::path& target, bool may_be_empty);
  void Number(std::string_view key, std::uint64_t& target, std::uint64_t least, std::uint64_t most);
  void Bool(std::string_view key, bool& target);
  void Duration(std::string_view key, std::chrono::seconds& target, std::chrono::seconds least,
                std::chrono::seconds most);
  // The raw node for nested sections; null when absent.
  [[nodiscard]] const Node* Take(std::string_view key);
  // A fault for the first of these keys that is absent.
  void Require(std::initializer_list<std::string_view> keys);
  // Every key not taken is a fault that lists the allowed keys and the nearest one.
  void RejectRest();

 private:
  // The text of a scalar, or nothing and a fault.
  std::optional<std::string> Scalar(std::string_view key, const Node& node,
                                    std::string_view allowed);

  const Node* node_;
  std::string where_;
  Faults& faults_;
  std::vector<std::string> known_;
};

// "90s", "15m", "2h": nothing when it is none of these.
[[nodiscard]] std::optional<std::chrono::seconds> ParseDuration(std::string_view text);
// The unit that divides it: "15m".
[[nodiscard]] std::string DurationText(std::chrono::seconds duration);
// Decimal or 0x hexadecimal.
[[nodiscard]] std::optional<std::uint64_t> ParseNumber(std::string_view text);
// The candidate few typing errors away from `word`; empty when none is.
[[nodiscard]] std::string Nearest(std::string_view word,
                                  const std::vector<std::string>& candidates);

}  // namespace station::config::yaml
