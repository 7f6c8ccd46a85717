#pragma once
// A port switched off and on, and a device reset, through libusb. Only for a process that ends
// afterwards: stationd opens no device.

#include <chrono>
#include <cstdint>
#include <span>

#include "station/base/ids.h"
#include "station/base/result.h"

namespace station::usb {

// What a hub can switch, as its descriptor says (USB 2.0, 11.23.2.1).
enum class PowerSwitching : std::uint8_t { kAllTogether, kPortByPort, kNone };
[[nodiscard]] PowerSwitching SwitchingOf(std::uint16_t hub_characteristics);

// The hub of a port: "1-4" of "1-4.2"; the root hub, without a chain, of "1-4".
[[nodiscard]] PortPath HubOf(const PortPath& port);

// All sides of one port (USB 2 and USB 3: one alone still feeds the phone). kPortPowerUnsupported
// when one of their hubs cannot switch single ports, and then nothing was switched; kPortAct.
[[nodiscard]] Status SwitchPower(std::span<const PortPath> sides, bool on);
// Off, and on again after that time; on also when the off failed half way.
[[nodiscard]] Status CyclePower(std::span<const PortPath> sides, std::chrono::milliseconds off);
// Whatever device is there. kPhoneGone when none is; kPortAct.
[[nodiscard]] Status ResetDevice(std::span<const PortPath> sides);

}  // namespace station::usb
