#include "tests/rack/usb/port_names.h"

#include <algorithm>
#include <cstdio>

namespace rack {

using station::PortPath;

bool IsSuperSpeedBus(std::uint8_t bus) { return bus % 2 == 0; }

PortPath Parent(PortPath path) {
  path.chain.pop_back();
  return path;
}

PortPath Companion(PortPath path) {
  path.bus = static_cast<std::uint8_t>(IsSuperSpeedBus(path.bus) ? path.bus - 1 : path.bus + 1);
  return path;
}

bool IsOnTheWay(const PortPath& hub, const PortPath& path) {
  return hub.bus == path.bus && hub.chain.size() <= path.chain.size() &&
         std::equal(hub.chain.begin(), hub.chain.end(), path.chain.begin());
}

std::string ControllerPath(std::uint8_t bus) {
  return bus <= 2 ? "/devices/pci0000:00/0000:00:14.0" : "/devices/pci0000:00/0000:05:00.0";
}

std::string DeviceName(const PortPath& path) {
  if (path.chain.empty()) return "usb" + std::to_string(path.bus);
  return station::ToString(path);
}

std::string DevicePath(const PortPath& path) {
  if (path.chain.empty()) return ControllerPath(path.bus) + "/" + DeviceName(path);
  return DevicePath(Parent(path)) + "/" + DeviceName(path);
}

std::string InterfaceName(const PortPath& path, std::uint8_t number) {
  const std::string device =
      path.chain.empty() ? std::to_string(path.bus) + "-0" : DeviceName(path);
  return device + ":1." + std::to_string(number);
}

std::string PortFolder(const PortPath& hub, std::uint8_t port) {
  return DevicePath(hub) + "/" + InterfaceName(hub, 0) + "/" + DeviceName(hub) + "-port" +
         std::to_string(port);
}

std::string NodeName(std::uint8_t bus, std::uint8_t address) {
  char name[32];
  std::snprintf(name, sizeof name, "bus/usb/%03u/%03u", bus, address);
  return name;
}

}  // namespace rack
