#pragma once
// Whether this host is paired with a phone: usbmuxd keeps the records.

#include <string>

namespace station::device {

// Asked before anything that would use a record: libimobiledevice 1.3.0 takes any failure to read
// one as "none", pairs anew and pops up a dialog on the phone, and it crashes on an answer without
// data (device-services 1.6, 7.3).
[[nodiscard]] bool HasPairRecord(const std::string& udid);

}  // namespace station::device
