#include "station/daemon/cart/wanted.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "station/store/keeper/entry.h"

namespace station::daemon {
namespace {

bool IsUrl(const std::string& url) {
  return url.size() <= 2048 && (url.starts_with("https://") || url.starts_with("http://")) &&
         std::ranges::all_of(url, [](char c) { return c > 0x20 && c < 0x7f; });
}

std::optional<std::uint64_t> ParseNumber(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Both say something, and not the same.
template <typename T>
bool Differ(const T& a, const T& b) {
  return a != T() && b != T() && a != b;
}

}  // namespace

Status Check(const Wanted& wanted) {
  if (!wanted.path.empty() && !wanted.urls.empty())
    return Fail(ErrorCode::kBadRequest, "either a path or addresses");
  if (wanted.urls.empty() && !std::filesystem::path(wanted.path).is_absolute())
    return Fail(ErrorCode::kBadRequest, "the path must be absolute: " + wanted.path);
  for (const std::string& url : wanted.urls)
    if (!IsUrl(url)) return Fail(ErrorCode::kBadRequest, "not an http or https address: " + url);
  if (!wanted.sha256.empty() && !ParseSha256(wanted.sha256))
    return Fail(ErrorCode::kBadRequest, "a SHA-256 has 64 hexadecimal digits");
  if (!wanted.sha1.empty() && !store::ParseSha1(wanted.sha1))
    return Fail(ErrorCode::kBadRequest, "a SHA-1 has 40 hexadecimal digits");
  return {};
}

bool SameFile(const Wanted& a, const Wanted& b) {
  if (!a.sha256.empty() && a.sha256 == b.sha256) return true;
  if (!a.sha1.empty() && a.sha1 == b.sha1) return true;
  if (!a.path.empty()) return a.path == b.path;
  return std::ranges::any_of(a.urls, [&](const std::string& url) {
    return std::ranges::find(b.urls, url) != b.urls.end();
  });
}

bool Contradict(const Wanted& a, const Wanted& b) {
  return Differ(a.sha256, b.sha256) || Differ(a.sha1, b.sha1) || Differ(a.size, b.size);
}

std::string Format(const Wanted& wanted, WallTime asked) {
  std::string text = "asked " + std::to_string(ToUnixMillis(asked).value) + "\n";
  for (const std::string& url : wanted.urls) text += "url " + url + "\n";
  if (!wanted.sha256.empty()) text += "sha256 " + wanted.sha256 + "\n";
  if (!wanted.sha1.empty()) text += "sha1 " + wanted.sha1 + "\n";
  if (wanted.size != 0) text += "size " + std::to_string(wanted.size) + "\n";
  return text;
}

std::optional<std::pair<Wanted, WallTime>> ParseWanted(std::string_view text) {
  Wanted wanted;
  WallTime asked{};
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const std::size_t space = line.find(' ');
    if (end == std::string_view::npos || space == std::string_view::npos) return std::nullopt;
    const std::string_view key = line.substr(0, space);
    const std::string value(line.substr(space + 1));
    const auto number = ParseNumber(value);
    if (key == "url") wanted.urls.push_back(value);
    if (key == "sha256") wanted.sha256 = value;
    if (key == "sha1") wanted.sha1 = value;
    if (key == "size") wanted.size = number.value_or(0);
    if (key == "asked") asked = FromUnixMillis({static_cast<std::int64_t>(number.value_or(0))});
    text.remove_prefix(end + 1);
  }
  if (wanted.urls.empty() || !Check(wanted)) return std::nullopt;
  return std::pair(std::move(wanted), asked);
}

}  // namespace station::daemon
