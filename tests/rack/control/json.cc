#include "tests/rack/control/json.h"

#include <fmt/format.h>

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

}  // namespace

std::string ToJson(const Value& value) {
  if (const auto* flag = value.AsBool()) return *flag ? "true" : "false";
  if (const auto* number = value.AsNumber()) return std::to_string(*number);
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
