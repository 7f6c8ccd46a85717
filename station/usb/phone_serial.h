#pragma once
// What a phone's USB ids and serial string say about it, without opening it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "station/base/enums.h"
#include "station/base/ids.h"

namespace station::usb {

inline constexpr std::uint16_t kAppleVendor = 0x05AC;

// kNone: not a phone. Normal and restore mode share their product ids; both are kNormal here.
[[nodiscard]] PhoneMode ModeOfProductId(std::uint16_t product_id);

// The "KEY:VALUE KEY:VALUE" string of recovery and DFU mode.
struct SerialTokens {
  Ecid ecid;                   // unknown when the string has none
  std::uint32_t chip_id = 0;   // CPID
  std::uint32_t board_id = 0;  // BDID
  std::string serial_number;   // SRNM, recovery only
};
// Nothing when `text` is no such string (in normal mode it is the UDID).
[[nodiscard]] std::optional<SerialTokens> ParseSerialTokens(std::string_view text);

// The serial string of normal mode as the UDID that usbmuxd and lockdown give: 24 characters get a
// dash after the 8th. Empty when it is neither of 24 nor of 40 characters, or the nameless 40 "f"
// of restore mode.
[[nodiscard]] std::string UdidOfSerial(std::string_view serial);

}  // namespace station::usb
