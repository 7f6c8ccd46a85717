#include "station/store/keeper/entry.h"

#include <algorithm>
#include <charconv>
#include <compare>
#include <optional>
#include <variant>

namespace station::store {
namespace {

std::string Escape(std::string_view value) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string text;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f && c != '%') {
      text += c;
    } else {
      text += {'%', kHex[byte >> 4U], kHex[byte & 0xfU]};
    }
  }
  return text;
}

std::optional<std::string> Unescape(std::string_view text) {
  std::string value;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      value += text[i];
      continue;
    }
    const auto byte = ParseHex(text.substr(i + 1, 2));
    if (!byte || byte->size() != 1) return std::nullopt;
    value += static_cast<char>(byte->front());
    i += 2;
  }
  return value;
}

template <typename Number>
bool ReadNumber(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool SetField(Entry& entry, std::string_view key, std::string value) {
  if (key == "size") return ReadNumber(value, entry.size);
  if (key == "added_unix") return ReadNumber(value, entry.added_unix);
  if (key == "sha256") {
    const auto digest = ParseSha256(value);
    if (digest) entry.sha256 = *digest;
    return digest.has_value();
  }
  if (key == "sha1") {
    entry.sha1 = ParseSha1(value);
    return entry.sha1.has_value();
  }
  if (key == "product") {
    entry.products.push_back(std::move(value));
    return true;
  }
  std::string* text = key == "version"  ? &entry.version
                      : key == "build"  ? &entry.build
                      : key == "source" ? &entry.source
                                        : nullptr;
  if (text != nullptr) *text = std::move(value);
  return text != nullptr;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// "22B83" -> 22, "B", 83, so that 22B9 is older than 22B83.
std::vector<std::variant<std::string, std::uint64_t>> Parts(std::string_view text) {
  std::vector<std::variant<std::string, std::uint64_t>> parts;
  while (!text.empty()) {
    const bool number = IsDigit(text.front());
    const auto* end = std::ranges::find_if(text, [&](char c) { return IsDigit(c) != number; });
    const std::string_view part(text.begin(), end);
    std::uint64_t value = 0;
    if (number && ReadNumber(part, value)) {
      parts.emplace_back(value);
    } else {
      parts.emplace_back(std::string(part));
    }
    text.remove_prefix(part.size());
  }
  return parts;
}

}  // namespace

bool Entry::Supports(std::string_view product) const {
  return std::ranges::find(products, product) != products.end();
}

std::string FormatEntry(const Entry& entry) {
  std::string text = "sha256 " + ToHex(entry.sha256) + "\nsize " + std::to_string(entry.size) +
                     "\nversion " + Escape(entry.version) + "\nbuild " + Escape(entry.build) + "\n";
  for (const std::string& product : entry.products) text += "product " + Escape(product) + "\n";
  text += "source " + Escape(entry.source) + "\nadded_unix " + std::to_string(entry.added_unix);
  if (entry.sha1) text += "\nsha1 " + ToHex(*entry.sha1);
  return text + "\n";
}

Result<Entry> ParseEntry(std::string_view text) {
  Entry entry;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const std::size_t space = line.find(' ');
    auto value = Unescape(space == std::string_view::npos ? "" : line.substr(space + 1));
    if (end == std::string_view::npos || !value ||
        !SetField(entry, line.substr(0, space), std::move(*value)))
      return Fail(ErrorCode::kFirmwareRotted, "entry: bad line \"" + Escape(line) + "\"");
    text.remove_prefix(end + 1);
  }
  if (entry.sha256 == Sha256Digest{} || entry.size == 0 || entry.version.empty() ||
      entry.build.empty() || entry.products.empty())
    return Fail(ErrorCode::kFirmwareRotted, "entry: incomplete");
  return entry;
}

std::optional<Sha1Digest> ParseSha1(std::string_view hex) {
  const auto bytes = ParseHex(hex);
  Sha1Digest digest{};
  if (!bytes || bytes->size() != digest.size()) return std::nullopt;
  std::ranges::copy(*bytes, digest.begin());
  return digest;
}

bool IsNewer(const Entry& a, const Entry& b) {
  if (const auto order = Parts(a.version) <=> Parts(b.version); order != 0) return order > 0;
  if (const auto order = Parts(a.build) <=> Parts(b.build); order != 0) return order > 0;
  if (a.added_unix != b.added_unix) return a.added_unix > b.added_unix;
  return a.sha256 > b.sha256;
}

}  // namespace station::store
