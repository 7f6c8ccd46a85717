#pragma once
// What sits on one port right now, as sysfs tells it: without opening the device node, so nobody is disturbed.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "station/base/enums.h"
#include "station/base/ids.h"

namespace station::usb {

struct PortDevice {
  PortPath path;
  std::uint16_t vendor_id = 0;
  std::uint16_t product_id = 0;
  std::uint8_t bus = 0;      // with `address`: who usbmuxd means by LocationID
  std::uint8_t address = 0;  // changes at each enumeration
  std::string serial;        // iSerial: UDID without dash, or KEY:VALUE tokens in recovery and DFU
};

// The first Apple device (vendor 05AC) on any of the port's sides; nothing when there is none.
[[nodiscard]] std::optional<PortDevice> LookAtPort(std::span<const PortPath> sides,
                                                   const std::filesystem::path& devices = "/sys/bus/usb/devices");

// By product id alone: usbmux ids answer kNormal (restore mode shows the same ids), unknown ones kNone
// (restore-protocol 1.1).
[[nodiscard]] PhoneMode ModeOf(std::uint16_t product_id);

// A token of a recovery or DFU serial string: "ECID" -> "000A...", brackets taken off; nothing when absent.
[[nodiscard]] std::optional<std::string> SerialToken(std::string_view serial, std::string_view key);

}  // namespace station::usb
