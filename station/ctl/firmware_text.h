#pragma once
// Firmware in the store, and its import, as text. Pure.

#include <string>
#include <vector>

#include "station/ctl/text.h"
#include "station/v1/station.pb.h"

namespace station::ctl {

[[nodiscard]] std::string RenderFirmwareList(const std::vector<v1::Firmware>& firmware,
                                             const Screen& screen);
[[nodiscard]] std::string RenderFirmwareAdded(const v1::Firmware& firmware);
// "Pinned: 15.8 (19H999), 0123456789ab"
[[nodiscard]] std::string RenderFirmwareLine(const std::string& done, const v1::Firmware& firmware);
[[nodiscard]] std::string RenderCleared(const v1::ClearStoreResponse& cleared, bool dry_run,
                                        const Screen& screen);
[[nodiscard]] std::string RenderFirmwarePlan(const v1::PlanFirmwareResponse& plan,
                                             const Screen& screen);
// One line: bar, bytes, speed, time left.
[[nodiscard]] std::string RenderImport(const v1::AddFirmwareResponse& response,
                                       const Screen& screen);

}  // namespace station::ctl
