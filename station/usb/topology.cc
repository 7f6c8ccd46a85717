#include "station/usb/topology.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <memory>

#include "station/base/fd.h"
#include "station/usb/phone_serial.h"

namespace station::usb {
namespace {

// Plain opendir, open and realpath: they see the same tree as libusb does, also where that tree is
// a simulated one.
struct CloseDir {
  void operator()(DIR* dir) const noexcept { ::closedir(dir); }
};

std::vector<std::string> Names(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, CloseDir> dir(::opendir(folder.c_str()));
  if (!dir) return names;
  while (const dirent* entry = ::readdir(dir.get())) names.emplace_back(entry->d_name);
  return names;
}

// One attribute without its line feed; nothing when it is not there.
std::optional<std::string> Attribute(const std::filesystem::path& file) {
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.Valid()) return std::nullopt;
  char buffer[512];
  const ssize_t size = ::read(fd.Get(), buffer, sizeof buffer);
  if (size < 0) return std::nullopt;
  std::string text(buffer, static_cast<std::size_t>(size));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\0')) text.pop_back();
  return text;
}

std::optional<std::uint16_t> NumberAttribute(const std::filesystem::path& file, int base) {
  const std::optional<std::string> text = Attribute(file);
  if (!text) return std::nullopt;
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value, base);
  if (error != std::errc() || end == text->data()) return std::nullopt;
  return value;
}

std::optional<std::string> RealPath(const std::filesystem::path& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  if (!real) return std::nullopt;
  return std::string(real.get());
}

std::string Chain(const PortPath& path) {
  std::string text = ToString(path);
  return text.substr(text.find('-') + 1);
}

// "usb1-port4" is "1-4", "1-4-port2" is "1-4.2": how the kernel names the port objects of hubs.
std::optional<PortPath> PathOfPortObject(const std::string& name) {
  const std::size_t mark = name.rfind("-port");
  if (mark == std::string::npos) return std::nullopt;
  const std::string hub = name.substr(0, mark);
  const std::string number = name.substr(mark + 5);
  return ParsePortPath(hub.starts_with("usb") ? hub.substr(3) + '-' + number : hub + '.' + number);
}

// The other way round, below the hub's interface folder.
std::filesystem::path PortObject(const PortPath& path) {
  PortPath hub = path;
  hub.chain.pop_back();
  const std::string number = std::to_string(path.chain.back());
  const std::string bus = std::to_string(path.bus);
  if (hub.chain.empty())
    return std::filesystem::path(bus + "-0:1.0") / ("usb" + bus + "-port" + number);
  const std::string name = ToString(hub);
  return std::filesystem::path(name + ":1.0") / (name + "-port" + number);
}

}  // namespace

std::vector<UsbPhone> Topology::Scan() const {
  std::vector<UsbPhone> phones;
  for (const std::string& name : Names(sysfs_ / "bus/usb/devices"))
    if (std::optional<UsbPhone> phone = Read(name)) phones.push_back(std::move(*phone));
  std::ranges::sort(phones, {}, &UsbPhone::path);
  return phones;
}

Result<PortKey> Topology::KeyOf(const PortPath& path) const {
  if (const std::optional<Sides> sides = SidesOf(path)) return sides->key;
  return Fail(ErrorCode::kNotFound, "no USB bus has the port " + ToString(path));
}

std::vector<PortPath> Topology::PathsOf(const PortKey& key) const {
  const std::size_t colon = key.value.rfind(':');
  if (colon == std::string::npos) return {};
  for (const std::string& name : Names(sysfs_ / "bus/usb/devices")) {
    if (!name.starts_with("usb")) continue;
    const auto path = ParsePortPath(name.substr(3) + '-' + key.value.substr(colon + 1));
    if (!path || IsSuperSpeedBus(path->bus)) continue;
    if (Controller(path->bus) != key.value.substr(0, colon)) continue;
    std::vector<PortPath> sides = {*path};
    if (const auto peer = PeerOf(*path)) sides.push_back(*peer);
    return sides;
  }
  return {};
}

std::filesystem::path Topology::DeviceFolder(const std::string& name) const {
  return sysfs_ / "bus/usb/devices" / name;
}

std::optional<UsbPhone> Topology::Read(const std::string& name) const {
  const std::optional<PortPath> path = ParsePortPath(name);  // neither a root hub nor an interface
  if (!path || path->chain.empty()) return std::nullopt;
  const std::filesystem::path folder = DeviceFolder(name);
  if (NumberAttribute(folder / "idVendor", 16) != kAppleVendor) return std::nullopt;
  UsbPhone phone;
  phone.path = *path;
  phone.product_id = NumberAttribute(folder / "idProduct", 16).value_or(0);
  phone.mode = ModeOfProductId(phone.product_id);
  if (phone.mode == PhoneMode::kNone) return std::nullopt;
  const std::optional<Sides> sides = SidesOf(*path);
  const std::optional<std::uint16_t> number = NumberAttribute(folder / "devnum", 10);
  if (!sides || !number) return std::nullopt;
  phone.port = sides->key;
  phone.other_side = sides->other;
  phone.device_number = *number;
  phone.serial = Attribute(folder / "serial").value_or("");
  phone.speed = Attribute(folder / "speed").value_or("");
  return phone;
}

std::optional<Topology::Sides> Topology::SidesOf(const PortPath& path) const {
  const std::optional<PortPath> peer = PeerOf(path);
  // The USB 2 side names the port: every phone has one there, at least in recovery mode.
  const PortPath& naming = peer && IsSuperSpeedBus(path.bus) ? *peer : path;
  const std::optional<std::string> controller = Controller(naming.bus);
  if (!controller) return std::nullopt;
  return Sides{PortKey{*controller + ':' + Chain(naming)}, peer};
}

// Through the device's own `port` link, or, while nothing is plugged in, through the hub's port
// object.
std::optional<PortPath> Topology::PeerOf(const PortPath& path) const {
  std::optional<std::string> peer = RealPath(DeviceFolder(ToString(path)) / "port/peer");
  if (!peer) peer = RealPath(DeviceFolder(PortObject(path).string()) / "peer");
  if (!peer) return std::nullopt;
  return PathOfPortObject(std::filesystem::path(*peer).filename());
}

// "pci0000:00/0000:00:14.0" of ".../devices/pci0000:00/0000:00:14.0/usb1".
std::optional<std::string> Topology::Controller(std::uint8_t bus) const {
  const std::string root_hub = "usb" + std::to_string(bus);
  const std::optional<std::string> real = RealPath(DeviceFolder(root_hub));
  if (!real) return std::nullopt;
  constexpr std::string_view kDevices = "/devices/";
  const std::size_t begin = real->find(kDevices);
  const std::size_t end = real->rfind('/');
  if (begin == std::string::npos || end == std::string::npos) return std::nullopt;
  const std::size_t from = begin + kDevices.size();
  // A bus directly below /sys/devices (a simulated one) is its own controller.
  return end < from ? real->substr(from) : real->substr(from, end - from);
}

bool Topology::IsSuperSpeedBus(std::uint8_t bus) const {
  constexpr std::uint16_t kSuperSpeed = 5000;
  return NumberAttribute(DeviceFolder("usb" + std::to_string(bus)) / "speed", 10).value_or(0) >=
         kSuperSpeed;
}

}  // namespace station::usb
