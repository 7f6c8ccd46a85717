#pragma once
// Which phone is on this port? Normal mode: asked through lockdownd. Recovery and DFU: its USB
// serial string says.

#include "station/base/result.h"
#include "station/worker/job_reporter.h"
#include "worker/v1/worker.pb.h"

namespace station::worker {

// kPhoneIdentityUnreadable, kPhoneGone, kLockdown, kMuxUnreachable.
[[nodiscard]] Result<v1::Identified> Identify(const v1::IdentifyOrders& orders,
                                              JobReporter& reporter);

}  // namespace station::worker
