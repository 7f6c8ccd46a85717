// A .bbfw, a zip, signed for both rounds and both families of chips.

#include <span>

#include "station/restore/baseband_package.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using station::plist::Plist;
  static const Plist answer = [] {
    const std::vector<std::uint8_t> blob(16, 7);
    Plist firmware = Plist::Dict();
    firmware.Set("PSI-Blob", Plist::Data(blob));
    Plist whole = Plist::Dict();
    whole.Set("BBTicket", Plist::Data(blob)).Set("BasebandFirmware", std::move(firmware));
    return whole;
  }();
  for (const bool has_nonce : {false, true})
    (void)station::restore::BuildBasebandPackage({data, size}, answer.Get(), 0x60, has_nonce);
  return 0;
}
