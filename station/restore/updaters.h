#pragma once
// FirmwareUpdaterData: a ticket for one of the phone's chips, and its firmware where the phone
// wants that in the same answer (restore-protocol 6.8).

#include "station/restore/data_requests.h"

namespace station::restore {

// kRestoreDialogue for a request without what every such request has, kUpdaterLoop when the same
// updater asks without end, kUpdaterUnsupported, kSigning*, kFirmware*.
[[nodiscard]] Status ProvideUpdaterData(const DataRequest& request, const ProviderContext& context,
                                        AnswerChannel& channel);

}  // namespace station::restore
