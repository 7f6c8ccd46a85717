#include "tests/rack/wire/json.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "station/base/ids.h"

namespace rack {
namespace {

std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += std::string("\\") + c;
    else if (static_cast<unsigned char>(c) < 0x20)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out + "\"";
}

// Reads from a text by descending into it; every function leaves the position behind what it took.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<Value> Whole() {
    auto value = Any(0);
    SkipSpace();
    return at_ == text_.size() ? value : std::nullopt;
  }

 private:
  static constexpr int kDeepest = 64;

  std::optional<Value> Any(int depth) {
    SkipSpace();
    if (at_ == text_.size() || depth > kDeepest) return std::nullopt;
    const char c = text_[at_];
    if (c == '{') return Dict(depth);
    if (c == '[') return Array(depth);
    if (c == '"') return Text();
    for (const auto& [word, value] : {std::pair("true", Value(true)),
                                      std::pair("false", Value(false)), std::pair("null", Value())})
      if (Take(word)) return value;
    return Number();
  }

  std::optional<Value> Dict(int depth) {
    Value::Dict dict;
    ++at_;
    if (SkipSpace(); Take("}")) return Value(std::move(dict));
    while (true) {
      SkipSpace();
      auto key = Text();
      SkipSpace();
      if (!key || !Take(":")) return std::nullopt;
      auto value = Any(depth + 1);
      if (!value) return std::nullopt;
      dict.emplace_back(*key->AsText(), std::move(*value));
      SkipSpace();
      if (Take("}")) return Value(std::move(dict));
      if (!Take(",")) return std::nullopt;
    }
  }

  std::optional<Value> Array(int depth) {
    Value::Array array;
    ++at_;
    if (SkipSpace(); Take("]")) return Value(std::move(array));
    while (true) {
      auto value = Any(depth + 1);
      if (!value) return std::nullopt;
      array.push_back(std::move(*value));
      SkipSpace();
      if (Take("]")) return Value(std::move(array));
      if (!Take(",")) return std::nullopt;
    }
  }

  std::optional<Value> Text() {
    if (!Take("\"")) return std::nullopt;
    std::string text;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] != '\\') {
        text += text_[at_++];
        continue;
      }
      if (!Escape(text)) return std::nullopt;
    }
    if (!Take("\"")) return std::nullopt;
    return Value(std::move(text));
  }

  // Of \u only what ToJson writes: control characters.
  bool Escape(std::string& text) {
    constexpr std::string_view kShort = "\"\\/bfnrt";
    constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    if (at_ + 1 >= text_.size()) return false;
    const char kind = text_[at_ + 1];
    at_ += 2;
    if (const std::size_t found = kShort.find(kind); found != std::string_view::npos) {
      text += kMeant[found];
      return true;
    }
    unsigned code = 0;
    const std::string_view digits = text_.substr(at_, 4);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (kind != 'u' || error != std::errc() || end != digits.data() + 4 || code > 0x7F)
      return false;
    at_ += 4;
    text += static_cast<char>(code);
    return true;
  }

  std::optional<Value> Number() {
    const std::string_view rest = text_.substr(at_);
    const std::string_view digits = rest.substr(0, rest.find_first_not_of("+-.0123456789eE"));
    at_ += digits.size();
    if (digits.empty()) return std::nullopt;
    std::int64_t negative = 0;
    std::uint64_t whole = 0;
    const char* end = digits.data() + digits.size();
    if (std::from_chars(digits.data(), end, whole).ptr == end) return Value(whole);
    if (std::from_chars(digits.data(), end, negative).ptr == end)
      return Value(static_cast<std::uint64_t>(negative));
    double real = 0;
    if (std::from_chars(digits.data(), end, real).ptr == end) return Value(real);
    return std::nullopt;
  }

  void SkipSpace() {
    while (at_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
      ++at_;
  }

  bool Take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<Value> ParseJson(std::string_view text) { return Reader(text).Whole(); }

std::string ToJson(const Value& value) {
  if (const auto* flag = value.AsBool()) return *flag ? "true" : "false";
  if (const auto* number = value.AsNumber())
    return std::to_string(static_cast<std::int64_t>(*number));
  if (const auto* real = value.AsReal()) return fmt::format("{}", *real);
  if (const auto* text = value.AsText()) return Quoted(*text);
  if (const auto* bytes = value.AsBytes()) return Quoted(station::ToHex(*bytes));
  if (value.AsDate() != nullptr) return "null";
  std::string out;
  if (const auto* array = value.AsArray()) {
    for (const Value& item : *array) out += (out.empty() ? "" : ", ") + ToJson(item);
    return "[" + out + "]";
  }
  for (const auto& [key, item] : *value.AsDict())
    out += (out.empty() ? "" : ", ") + Quoted(key) + ": " + ToJson(item);
  return "{" + out + "}";
}

}  // namespace rack
