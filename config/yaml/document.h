#pragma once
// A YAML file read strictly into a plain tree with positions: one document, no anchors, aliases or
// tags, no doubled keys, bounded in size and depth. What the values mean is for MapReader's
// callers.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "station/base/result.h"

namespace station::config::yaml {

struct Place {
  int line = 1;
  int column = 1;
  friend auto operator<=>(const Place&, const Place&) = default;
};

enum class Kind { kNothing, kScalar, kList, kMap };
// As an operator would call it: "a text or number", "a list".
[[nodiscard]] std::string_view Describe(Kind kind);

struct Entry;
struct Node {
  Kind kind = Kind::kNothing;
  Place place;
  std::string text;            // kScalar
  bool quoted = false;         // kScalar written in quotes
  std::vector<Node> items;     // kList
  std::vector<Entry> entries;  // kMap, in the order of the file
};
struct Entry {
  std::string key;
  Place place;
  Node value;
};

struct Document {
  std::string file;
  Node root;  // kNothing for an empty file
};

// kConfigInvalid with "FILE:LINE:COLUMN: wrong; allowed".
[[nodiscard]] Error Fault(std::string_view file, Place place, std::string_view wrong,
                          std::string_view allowed);

[[nodiscard]] Result<Document> Read(const std::filesystem::path& file);
[[nodiscard]] Result<Document> Parse(const std::string& yaml, const std::string& file_name);

}  // namespace station::config::yaml
