#include "config/yaml/document.h"

#include <fmt/format.h>
#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <optional>
#include <sstream>

#include "station/base/fd.h"

namespace station::config::yaml {
namespace {

constexpr std::size_t kMaxBytes = 1U << 20U;
constexpr std::size_t kMaxDepth = 16;

struct Refused {
  Place place;
  std::string wrong;
  std::string allowed;
};

Place PlaceOf(const YAML::Mark& mark) {
  return mark.is_null() ? Place{} : Place{.line = mark.line + 1, .column = mark.column + 1};
}

// yaml-cpp accepts some tabs and reports others in odd places.
std::optional<Place> FindTab(std::string_view yaml) {
  int line = 1;
  for (std::size_t start = 0; start < yaml.size(); ++line) {
    const std::size_t text = yaml.find_first_not_of(" ", start);
    if (text != std::string_view::npos && yaml[text] == '\t')
      return Place{.line = line, .column = static_cast<int>(text - start) + 1};
    const std::size_t end = yaml.find('\n', start);
    if (end == std::string_view::npos) break;
    start = end + 1;
  }
  return std::nullopt;
}

// Builds the tree from yaml-cpp's events. Throws Refused; Parse catches it.
class TreeBuilder final : public YAML::EventHandler {
 public:
  [[nodiscard]] Node TakeRoot() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1)
      throw Refused{PlaceOf(mark), "a second document begins here", "one document in a file"};
  }
  void OnDocumentEnd() override {}
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { RefuseAnchor(mark); }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (anchor != YAML::NullAnchor) RefuseAnchor(mark);
    Node nothing;
    nothing.place = PlaceOf(mark);
    Add(std::move(nothing));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    CheckPlain(mark, tag, anchor);
    Add(Node{.kind = Kind::kScalar,
             .place = PlaceOf(mark),
             .text = value,
             .quoted = tag == "!",
             .items = {},
             .entries = {}});
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(Kind::kList, mark, tag, anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(Kind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override { Close(); }

 private:
  struct Level {
    Node node;
    std::optional<Entry> pending;  // a key whose value is still to come
  };

  [[noreturn]] static void RefuseAnchor(const YAML::Mark& mark) {
    throw Refused{PlaceOf(mark), "anchors (&) and aliases (*) are not used here",
                  "every value written out, or in quotes when it begins with & or *"};
  }

  static void CheckPlain(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) RefuseAnchor(mark);
    if (!tag.empty() && tag != "?" && tag != "!")
      throw Refused{PlaceOf(mark), fmt::format("the tag {} is not used here", tag), "plain values"};
  }

  void Open(Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    CheckPlain(mark, tag, anchor);
    if (open_.size() >= kMaxDepth)
      throw Refused{PlaceOf(mark), "nested too deeply",
                    fmt::format("at most {} levels", kMaxDepth)};
    Level level;
    level.node.kind = kind;
    level.node.place = PlaceOf(mark);
    open_.push_back(std::move(level));
  }

  void Close() {
    Node node = std::move(open_.back().node);
    open_.pop_back();
    Add(std::move(node));
  }

  void Add(Node node) {
    if (open_.empty()) {
      if (node.kind == Kind::kNothing) node.place = {};
      root_ = std::move(node);
      return;
    }
    Level& parent = open_.back();
    if (parent.node.kind == Kind::kList) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.pending) {
      parent.pending = KeyFrom(std::move(node), parent.node.entries);
    } else {
      if (node.kind == Kind::kNothing)
        node.place = parent.pending->place;  // it has none of its own
      parent.pending->value = std::move(node);
      parent.node.entries.push_back(std::move(*parent.pending));
      parent.pending.reset();
    }
  }

  static Entry KeyFrom(Node node, const std::vector<Entry>& before) {
    if (node.kind != Kind::kScalar)
      throw Refused{node.place, fmt::format("a key is {}", Describe(node.kind)), "a name as key"};
    const auto twin = std::ranges::find(before, node.text, &Entry::key);
    if (twin != before.end())
      throw Refused{
          node.place,
          fmt::format("\"{}\" is there twice, first in line {}", node.text, twin->place.line),
          "every key once"};
    return Entry{.key = std::move(node.text), .place = node.place, .value = {}};
  }

  Node root_;
  std::vector<Level> open_;
  int documents_ = 0;
};

}  // namespace

std::string_view Describe(Kind kind) {
  switch (kind) {
    case Kind::kNothing:
      return "nothing";
    case Kind::kScalar:
      return "a single value";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a section";
  }
  return "something unknown";
}

Error Fault(std::string_view file, Place place, std::string_view wrong, std::string_view allowed) {
  return Error{ErrorCode::kConfigInvalid, fmt::format("{}:{}:{}: {}; allowed: {}", file, place.line,
                                                      place.column, wrong, allowed)};
}

Result<Document> Parse(const std::string& yaml, const std::string& file_name) {
  const auto refuse = [&](Place place, std::string_view wrong, std::string_view allowed) {
    return std::unexpected(Fault(file_name, place, wrong, allowed));
  };
  if (yaml.size() > kMaxBytes)
    return refuse({}, fmt::format("the file is {} bytes long", yaml.size()),
                  fmt::format("at most {} bytes", kMaxBytes));
  if (yaml.find('\0') != std::string::npos)
    return refuse({}, "the file holds a zero byte", "text in UTF-8");
  if (const auto tab = FindTab(yaml)) return refuse(*tab, "a tab in the indentation", "spaces");
  const int last_line = static_cast<int>(std::ranges::count(yaml, '\n')) + 1;
  try {
    // yaml-cpp takes the file's end for a closing quote; the end mark of a document it does not.
    std::istringstream stream(yaml + "\n...\n");
    YAML::Parser parser(stream);
    TreeBuilder builder;
    while (parser.HandleNextDocument(builder)) {
    }
    return Document{.file = file_name, .root = builder.TakeRoot()};
  } catch (const Refused& refused) {
    return refuse(refused.place, refused.wrong, refused.allowed);
  } catch (const YAML::Exception& exception) {
    const Place place = PlaceOf(exception.mark);
    if (place.line > last_line)
      return refuse({.line = last_line, .column = 1}, "the file ends in the middle of a value",
                    "every quote and bracket closed");
    return refuse(place, exception.msg, "YAML, indented with spaces");
  }
}

Result<Document> Read(const std::filesystem::path& file) {
  auto content = ReadFile(file, kMaxBytes);
  if (!content) {
    return std::unexpected(
        Fault(file.string(), {}, "cannot be read: " + content.error().context, "a readable file"));
  }
  return Parse(*content, file.string());
}

}  // namespace station::config::yaml
