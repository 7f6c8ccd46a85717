#pragma once
// What Linux calls a port, a device on it and its files. A PortPath with an empty chain is the root
// hub of its bus. Buses 1 and 2 are the USB 2 and USB 3 side of one controller, 3 and 4 of another.

#include <cstdint>
#include <string>

#include "station/base/ids.h"

namespace rack {

inline constexpr std::uint8_t kMaxBus = 4;
inline constexpr std::uint8_t kPortsPerHub = 16;
inline constexpr std::size_t kMaxTiers = 6;  // ports in a chain that Linux still enumerates

[[nodiscard]] bool IsSuperSpeedBus(std::uint8_t bus);
[[nodiscard]] station::PortPath Parent(station::PortPath path);
// The same physical port on the controller's other bus.
[[nodiscard]] station::PortPath Companion(station::PortPath path);
// Is `hub` on the way from the root to `path` (or the same)?
[[nodiscard]] bool IsOnTheWay(const station::PortPath& hub, const station::PortPath& path);

// "/devices/pci0000:00/0000:00:14.0"
[[nodiscard]] std::string ControllerPath(std::uint8_t bus);
// "usb1", "1-4.2"
[[nodiscard]] std::string DeviceName(const station::PortPath& path);
// "/devices/pci0000:00/0000:00:14.0/usb1/1-4/1-4.2", below /sys
[[nodiscard]] std::string DevicePath(const station::PortPath& path);
// "1-0:1.0", "1-4.2:1.0"
[[nodiscard]] std::string InterfaceName(const station::PortPath& path, std::uint8_t number);
// "/devices/.../usb1/1-0:1.0/usb1-port4", below /sys
[[nodiscard]] std::string PortFolder(const station::PortPath& hub, std::uint8_t port);
// "bus/usb/001/005", below /dev
[[nodiscard]] std::string NodeName(std::uint8_t bus, std::uint8_t address);

}  // namespace rack
