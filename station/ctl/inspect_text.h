#pragma once
// What a firmware holds and what the station would do with it, as text and as JSON. Pure.

#include <optional>
#include <string>

#include "station/ctl/firmware_file.h"
#include "station/ctl/text.h"
#include "station/firmware/inspection.h"

namespace station::ctl {

// `inspection` is absent when no board was chosen: then only what could be.
[[nodiscard]] std::string RenderInspection(const FirmwareFile& file,
                                           const std::optional<firmware::Inspection>& inspection,
                                           const Screen& screen);
[[nodiscard]] std::string InspectionJson(const FirmwareFile& file,
                                         const std::optional<firmware::Inspection>& inspection);

}  // namespace station::ctl
