// What doctor reads from sysfs about phones, hubs and controllers.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>

#include "station/ctl/doctor.h"

namespace station::ctl {
namespace {

namespace fs = std::filesystem;

constexpr std::uint16_t kApple = 0x05ac;
constexpr int kSlow = 12;     // Mbit/s: full speed, a bad cable or a USB 1 hub
constexpr int kMostHubs = 5;  // beyond that USB itself ends

std::string ReadLine(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

std::uint16_t ReadHex(const fs::path& file) {
  std::string text = ReadLine(file);
  std::string_view digits = text;
  if (digits.starts_with("0x")) digits.remove_prefix(2);
  std::uint16_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return value;
}

int ReadInt(const fs::path& file) {
  const std::string text = ReadLine(file);
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Endpoint folders of the device itself and of its interfaces.
int CountEndpoints(const fs::path& device) {
  const auto endpoints_in = [](const fs::path& folder) {
    int count = 0;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error))
      if (entry.path().filename().string().starts_with("ep_")) ++count;
    return count;
  };
  int count = endpoints_in(device);
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(device, error))
    if (entry.path().filename().string().find(':') != std::string::npos)
      count += endpoints_in(entry.path());
  return count;
}

std::optional<UsbDevice> ReadDevice(const fs::path& link, const fs::path& root) {
  std::error_code error;
  const fs::path path = fs::canonical(link, error);
  if (error || !fs::exists(path / "idVendor", error)) return std::nullopt;
  UsbDevice device;
  device.name = link.filename();
  device.vendor = ReadHex(path / "idVendor");
  device.product = ReadHex(path / "idProduct");
  device.serial = ReadLine(path / "serial");
  device.speed_mbit = ReadInt(path / "speed");
  device.configured = ReadInt(path / "bConfigurationValue") > 0;
  device.hub = ReadHex(path / "bDeviceClass") == 9;
  device.endpoints = CountEndpoints(path);
  const std::string chain = ReadLine(path / "devpath");
  device.depth = chain == "0" ? 0 : static_cast<int>(std::ranges::count(chain, '.')) + 1;
  fs::path controller = path;
  while (controller.has_relative_path() && !controller.filename().string().starts_with("usb"))
    controller = controller.parent_path();
  controller = controller.parent_path();
  device.controller = controller.lexically_relative(fs::canonical(root, error) / "devices");
  device.controller_vendor = ReadHex(controller / "vendor");
  return device;
}

Finding AboutPhone(const UsbDevice& phone, Health health, std::string detail,
                   std::string what_to_do) {
  return {health, "port " + phone.name, std::move(detail), std::move(what_to_do)};
}

bool InNormalMode(const UsbDevice& device) {
  return device.product >= 0x1290 && device.product <= 0x12af;
}

std::string WithoutDashes(std::string serial) {
  std::erase(serial, '-');
  return serial;
}

// What one controller can serve, by who made it. The endpoints of Intel's are counted by its
// drivers' error messages; the rest is what xHCI controllers on cards commonly offer.
struct Limit {
  std::uint16_t vendor;
  std::string_view maker;
  int endpoints;
  int devices;
};
constexpr Limit kLimits[] = {
    {0x8086, "Intel", 96, 63}, {0x1912, "Renesas", 127, 31}, {0, "this", 127, 31}};

const Limit& LimitOf(std::uint16_t vendor) {
  for (const Limit& limit : kLimits)
    if (limit.vendor == vendor) return limit;
  return kLimits[std::size(kLimits) - 1];
}

}  // namespace

bool IsPhone(const UsbDevice& device) {
  const bool recovery_or_dfu = device.product == 0x1222 || device.product == 0x1227 ||
                               (device.product >= 0x1280 && device.product <= 0x1283);
  return device.vendor == kApple && (InNormalMode(device) || recovery_or_dfu);
}

std::vector<UsbDevice> ReadUsb(const fs::path& root) {
  std::vector<UsbDevice> devices;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root / "bus/usb/devices", error))
    if (auto device = ReadDevice(entry.path(), root)) devices.push_back(std::move(*device));
  std::ranges::sort(devices, {}, &UsbDevice::name);
  return devices;
}

std::vector<Finding> CheckPhones(const std::vector<UsbDevice>& devices,
                                 const std::set<std::string>* mux_serials) {
  std::vector<Finding> findings;
  std::ptrdiff_t sound = 0;
  for (const UsbDevice& phone : devices) {
    if (!IsPhone(phone)) continue;
    const std::size_t before = findings.size();
    if (phone.speed_mbit > 0 && phone.speed_mbit <= kSlow)
      findings.push_back(AboutPhone(phone, Health::kWarn,
                                    fmt::format("slow: {} Mbit/s", phone.speed_mbit),
                                    "Change the cable, then the hub's port."));
    if (!phone.configured)
      findings.push_back(AboutPhone(phone, Health::kFail, "charges only, no data",
                                    "Change the cable; give the hub its own power supply."));
    else if (mux_serials != nullptr && InNormalMode(phone) &&
             !mux_serials->contains(WithoutDashes(phone.serial)))
      findings.push_back(AboutPhone(phone, Health::kFail, "on the bus, but usbmuxd does not see it",
                                    "Unplug it, wait two seconds, plug it in again."));
    if (phone.depth > kMostHubs)
      findings.push_back(AboutPhone(phone, Health::kWarn,
                                    fmt::format("behind {} hubs in a row", phone.depth - 1),
                                    "Plug the hub into one nearer to the computer."));
    if (findings.size() == before) ++sound;
  }
  const auto phones = std::ranges::count_if(devices, IsPhone);
  if (sound == phones)
    findings.push_back({Health::kOk, "phones", fmt::format("{} on the bus", phones), ""});
  return findings;
}

std::vector<Finding> CheckControllers(const std::vector<UsbDevice>& devices) {
  struct Load {
    int endpoints = 0;
    int devices = 0;
    std::uint16_t vendor = 0;
  };
  std::map<std::string, Load> loads;
  for (const UsbDevice& device : devices) {
    Load& load = loads[device.controller];
    load.vendor = device.controller_vendor;
    if (device.depth == 0) continue;  // the root hub is the controller itself
    load.endpoints += device.endpoints;
    load.devices += 1;
  }
  std::vector<Finding> findings;
  for (const auto& [controller, load] : loads) {
    const Limit& limit = LimitOf(load.vendor);
    Finding finding;
    finding.name = "controller " + controller.substr(controller.rfind('/') + 1);
    finding.detail = fmt::format("{} devices, {} of about {} endpoints", load.devices,
                                 load.endpoints, limit.endpoints);
    const double use = std::max(static_cast<double>(load.endpoints) / limit.endpoints,
                                static_cast<double>(load.devices) / limit.devices);
    if (use >= 0.85) {
      finding.health = use >= 1.0 ? Health::kFail : Health::kWarn;
      finding.what_to_do = "Move a hub to another controller (another PCI card or socket group).";
    }
    findings.push_back(std::move(finding));
  }
  if (findings.empty())
    findings.push_back({Health::kWarn, "controllers", "no USB controller found",
                        "Check that this machine sees its USB (lsusb)."});
  return findings;
}

}  // namespace station::ctl
