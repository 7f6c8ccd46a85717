#pragma once
// restored on port 62078 of a phone that runs a restore ramdisk: the requests any connection may
// make, and the one connection that starts the restore.

#include <memory>

#include "tests/rack/model/attachment.h"
#include "tests/rack/model/phone.h"

namespace rack {

inline constexpr std::uint16_t kRestoredPort = 62078;

// Opens restored's and FDR's ports for this stay.
void ServeRestoreMode(Phone& phone, Attachment& attachment);

}  // namespace rack
