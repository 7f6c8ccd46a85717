#pragma once
// The one-port view of libusb: within this process libusb lists and opens only what sits on the worker's own port.
//
// Debian's libirecovery 1.0.0 opens every recovery device of the host while it looks for one ECID, and walks its device
// list after freeing it; with one entry at most it can do neither (usb-emulation.md). The program must be linked with
// this object file whole and export its symbols (-rdynamic): the functions stand in front of libusb's own.

#include <cstdint>
#include <span>

#include "station/base/ids.h"
#include "station/base/result.h"

namespace station::usb {

// Only these paths (a port's USB 2 and USB 3 sides) exist from here on. Before the first call nothing exists at all.
void ShowOnlyPort(std::span<const PortPath> sides);

// How often the library asked for devices through this view, for the check that it is in force.
[[nodiscard]] std::uint64_t ListingsServed();

// Gives back the libusb contexts of earlier listings; call when no device of theirs is open any more. Every listing makes
// a fresh context: an older one would keep stale devices, since a worker takes no hotplug events.
void DropOldContexts();

}  // namespace station::usb
