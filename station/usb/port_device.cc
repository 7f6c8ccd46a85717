#include "station/usb/port_device.h"

#include <charconv>

#include "station/base/fd.h"

namespace station::usb {
namespace {

constexpr std::uint16_t kApple = 0x05AC;

std::string Attribute(const std::filesystem::path& device, const char* name) {
  auto text = ReadFile(device / name, 4096);
  if (!text) return "";
  while (!text->empty() && (text->back() == '\n' || text->back() == ' ')) text->pop_back();
  return std::move(*text);
}

unsigned Number(const std::string& text, int base) {
  unsigned value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

}  // namespace

std::optional<PortDevice> LookAtPort(std::span<const PortPath> sides, const std::filesystem::path& devices) {
  for (const PortPath& side : sides) {
    const std::filesystem::path folder = devices / ToString(side);
    PortDevice device;
    device.vendor_id = static_cast<std::uint16_t>(Number(Attribute(folder, "idVendor"), 16));
    if (device.vendor_id != kApple) continue;
    device.path = side;
    device.product_id = static_cast<std::uint16_t>(Number(Attribute(folder, "idProduct"), 16));
    device.bus = static_cast<std::uint8_t>(Number(Attribute(folder, "busnum"), 10));
    device.address = static_cast<std::uint8_t>(Number(Attribute(folder, "devnum"), 10));
    device.serial = Attribute(folder, "serial");
    return device;
  }
  return std::nullopt;
}

PhoneMode ModeOf(std::uint16_t product_id) {
  if (product_id == 0x1227) return PhoneMode::kDfu;
  if (product_id >= 0x1280 && product_id <= 0x1283) return PhoneMode::kRecovery;
  if (product_id >= 0x1290 && product_id <= 0x12AF) return PhoneMode::kNormal;
  return PhoneMode::kNone;
}

std::optional<std::string> SerialToken(std::string_view serial, std::string_view key) {
  const std::string wanted = std::string(key) + ":";
  std::size_t at = 0;
  while (at < serial.size()) {
    const std::size_t end = std::min(serial.find(' ', at), serial.size());
    std::string_view token = serial.substr(at, end - at);
    if (token.starts_with(wanted)) {
      token.remove_prefix(wanted.size());
      if (token.size() >= 2 && token.front() == '[' && token.back() == ']') token = token.substr(1, token.size() - 2);
      return std::string(token);
    }
    at = end + 1;
  }
  return std::nullopt;
}

}  // namespace station::usb
