#pragma once
// How the modes before iOS present themselves on the bus (reference 1.2 to 1.4).

#include "tests/rack/model/phone.h"
#include "tests/rack/usb/usb_function.h"

namespace rack {

[[nodiscard]] UsbIdentity RecoveryIdentity(const Phone& phone);  // iBoot, iBSS, iBEC
[[nodiscard]] UsbIdentity DfuIdentity(const Phone& phone);

}  // namespace rack
