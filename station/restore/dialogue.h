#pragma once
// The restore itself: from StartRestore to the phone's final word (restore-protocol 6.5 to 6.10).

#include <functional>

#include "station/base/job_control.h"
#include "station/base/result.h"
#include "station/device/connection.h"
#include "station/restore/component_source.h"
#include "station/restore/data_requests.h"
#include "station/restore/restore_setup.h"
#include "station/restore/restored_client.h"

namespace station::restore {

struct DialogueEvents {
  std::function<void()> image_sent;  // streaming is over, the phone flashes
};

// Starts the restore on an open restored connection and answers the phone until it says it is done.
// The first error ends it and stays the reason, whatever the phone says afterwards. Errors:
// kHostTooOld (before anything is erased), kDeviceStatus*, kDeviceSilent (nothing for 10 minutes),
// kRestoreDialogue, kPhoneGone, kAsr*, kFirmware*, kTicketWrongComponent, kUpdater*, kSigning*,
// kAssetUnreachable.
[[nodiscard]] Status RunRestoreDialogue(RestoredClient& restored, const device::Device& device,
                                        const ComponentSource& components,
                                        const RestoreSetup& setup, JobControl& control,
                                        const DialogueEvents& events);

// The same without the proxy for factory data, towards whatever `connect` reaches.
[[nodiscard]] Status RunDialogue(RestoredClient& restored, const ConnectToPort& connect,
                                 const ComponentSource& components, const RestoreSetup& setup,
                                 JobControl& control, const DialogueEvents& events);

}  // namespace station::restore
