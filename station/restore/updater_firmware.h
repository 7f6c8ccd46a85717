#pragma once
// Firmware bytes of a chip in the form its updater wants them (restore-protocol 6.8).

#include <optional>

#include "station/base/result.h"
#include "station/plist/plist.h"
#include "station/restore/component_source.h"
#include "station/signing/peripheral_request.h"

namespace station::restore {

// Nothing for chips whose firmware the phone fetches otherwise. kFirmware*.
[[nodiscard]] Result<std::optional<plist::Plist>> UpdaterFirmware(
    const signing::PeripheralRequest& asked, plist::View info, const ComponentSource& components);

}  // namespace station::restore
