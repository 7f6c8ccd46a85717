// The serial string a phone shows on the bus: whatever is plugged in chooses it.

#include <string_view>

#include "station/usb/phone_serial.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)station::usb::ParseSerialTokens(text);
  (void)station::usb::UdidOfSerial(text);
  return 0;
}
