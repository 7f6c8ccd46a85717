#include "station/base/ids.h"

#include <algorithm>
#include <charconv>

namespace station {
namespace {

template <typename Integer>
std::optional<Integer> ParseNumber(std::string_view text, int base) {
  Integer value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string ToString(Ecid ecid) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "0x0000000000000000";
  for (int i = 0; i < 16; ++i) text[17 - i] = kDigits[(ecid.value >> (4 * i)) & 15];
  return text;
}

std::optional<Ecid> ParseEcid(std::string_view text) {
  if (text.starts_with("dec:")) {
    const auto value = ParseNumber<std::uint64_t>(text.substr(4), 10);
    return value ? std::optional(Ecid{*value}) : std::nullopt;
  }
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  const auto value = ParseNumber<std::uint64_t>(text, 16);
  return value ? std::optional(Ecid{*value}) : std::nullopt;
}

std::string ToString(const PortPath& path) {
  std::string text = std::to_string(path.bus);
  char separator = '-';
  for (const std::uint8_t port : path.chain) {
    text += separator + std::to_string(port);
    separator = '.';
  }
  return text;
}

std::optional<PortPath> ParsePortPath(std::string_view text) {
  PortPath path;
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto bus = ParseNumber<std::uint8_t>(text.substr(0, dash), 10);
  if (!bus || *bus == 0) return std::nullopt;
  path.bus = *bus;
  text.remove_prefix(dash + 1);
  while (true) {
    const std::size_t dot = text.find('.');
    const auto port = ParseNumber<std::uint8_t>(text.substr(0, dot), 10);
    if (!port || *port == 0 || path.chain.size() == 7) return std::nullopt;  // USB nests at most 7 deep
    path.chain.push_back(*port);
    if (dot == std::string_view::npos) return path;
    text.remove_prefix(dot + 1);
  }
}

std::string ToHex(const std::uint8_t* bytes, std::size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(2 * size, '0');
  for (std::size_t i = 0; i < size; ++i) {
    text[2 * i] = kDigits[bytes[i] >> 4];
    text[2 * i + 1] = kDigits[bytes[i] & 15];
  }
  return text;
}

std::optional<std::vector<std::uint8_t>> ParseHex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::vector<std::uint8_t> bytes(text.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int high = HexDigit(text[2 * i]);
    const int low = HexDigit(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return bytes;
}

std::optional<Sha256Digest> ParseSha256(std::string_view hex) {
  const auto bytes = ParseHex(hex);
  if (!bytes || bytes->size() != 32) return std::nullopt;
  Sha256Digest digest;
  std::ranges::copy(*bytes, digest.begin());
  return digest;
}

}  // namespace station
