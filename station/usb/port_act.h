#pragma once
// What can be done to a port by a process of its own.

#include <array>
#include <cstdint>
#include <string_view>

namespace station::usb {

enum class PortAct : std::uint8_t {
  kPowerOn = 1,
  kPowerOff = 2,
  kPowerCycle = 3,
  kReset = 4,
  kMuxRestart = 5,  // no port's, but it goes the same way
};
inline constexpr std::array kAllPortActs = {PortAct::kPowerOn, PortAct::kPowerOff,
                                            PortAct::kPowerCycle, PortAct::kReset,
                                            PortAct::kMuxRestart};
[[nodiscard]] constexpr std::string_view Name(PortAct act) {
  switch (act) {
    case PortAct::kPowerOn:
      return "power_on";
    case PortAct::kPowerOff:
      return "power_off";
    case PortAct::kPowerCycle:
      return "power_cycle";
    case PortAct::kReset:
      return "reset";
    case PortAct::kMuxRestart:
      return "usbmuxd_restart";
  }
  return "unknown";
}

}  // namespace station::usb
