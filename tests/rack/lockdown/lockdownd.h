#pragma once
// lockdownd on port 62078: strictly one answer for each request. `lockdownd.cc` has the table of
// requests; pairing.cc, session.cc, values.cc and settings.cc answer them.

#include "tests/rack/model/attachment.h"
#include "tests/rack/model/phone.h"
#include "tests/rack/wire/stream.h"

namespace rack {

inline constexpr std::uint16_t kLockdownPort = 62078;

void ServeLockdown(Phone& phone, Attachment& attachment, Stream& stream);

}  // namespace rack
