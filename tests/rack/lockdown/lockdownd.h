#pragma once
// lockdownd on port 62078, for hosts the phone does not trust: strictly one answer for each
// request.

#include "tests/rack/model/phone.h"
#include "tests/rack/wire/stream.h"

namespace rack {

inline constexpr std::uint16_t kLockdownPort = 62078;

void ServeLockdown(Phone& phone, Stream& stream);

}  // namespace rack
