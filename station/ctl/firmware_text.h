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
// One line: bar, bytes, speed.
[[nodiscard]] std::string RenderImport(std::uint64_t done, std::uint64_t total,
                                       double bytes_per_second, const Screen& screen);

}  // namespace station::ctl
