#pragma once
// One act on a port: its power, a reset of what is plugged in there, or usbmuxd started anew.

#include "station/base/result.h"
#include "worker/v1/worker.pb.h"

namespace station::worker {

// kBadRequest for orders that say nothing it knows; kPortPowerUnsupported, kPhoneGone, kPortAct.
[[nodiscard]] Status ActOnPort(const v1::PortActOrders& orders);

}  // namespace station::worker
