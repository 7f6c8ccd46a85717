#include "station/usb/phone_serial.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace station::usb {
namespace {

std::optional<std::uint64_t> ParseHexNumber(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void TakeToken(std::string_view key, std::string_view value, SerialTokens& tokens) {
  if (key == "SRNM") {
    if (value.starts_with('[') && value.ends_with(']')) value = value.substr(1, value.size() - 2);
    tokens.serial_number = value;
    return;
  }
  const std::optional<std::uint64_t> number = ParseHexNumber(value);
  if (!number) return;
  if (key == "ECID") tokens.ecid = {*number};
  if (key == "CPID") tokens.chip_id = static_cast<std::uint32_t>(*number);
  if (key == "BDID") tokens.board_id = static_cast<std::uint32_t>(*number);
}

}  // namespace

PhoneMode ModeOfProductId(std::uint16_t product_id) {
  constexpr std::array<std::uint16_t, 3> kOthers = {0x1222, 0x1881,
                                                    0xF014};  // WTF, debug USB, port DFU
  if (std::ranges::find(kOthers, product_id) != kOthers.end()) return PhoneMode::kOther;
  if (product_id == 0x1227) return PhoneMode::kDfu;
  if (product_id >= 0x1280 && product_id <= 0x1283) return PhoneMode::kRecovery;
  if (product_id >= 0x1290 && product_id <= 0x12AF) return PhoneMode::kNormal;
  return PhoneMode::kNone;
}

std::optional<SerialTokens> ParseSerialTokens(std::string_view text) {
  SerialTokens tokens;
  bool any = false;
  while (!text.empty()) {
    const std::size_t blank = std::min(text.find(' '), text.size());
    const std::string_view token = text.substr(0, blank);
    text.remove_prefix(std::min(blank + 1, text.size()));
    const std::size_t colon = token.find(':');
    if (colon == std::string_view::npos) continue;
    TakeToken(token.substr(0, colon), token.substr(colon + 1), tokens);
    any = true;
  }
  return any ? std::optional(tokens) : std::nullopt;
}

std::string UdidOfSerial(std::string_view serial) {
  const bool hex =
      std::ranges::all_of(serial, [](unsigned char c) { return std::isxdigit(c) != 0; });
  if (!hex) return {};
  if (serial.size() == 24)
    return std::string(serial.substr(0, 8)) + '-' + std::string(serial.substr(8));
  // usbmuxd shows restore mode of older systems as 32 "f" and its own handle.
  if (serial.size() == 40 && !serial.starts_with(std::string(32, 'f'))) return std::string(serial);
  return {};
}

}  // namespace station::usb
