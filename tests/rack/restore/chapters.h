#pragma once
// The chapters of a restore, one file each, in the order in which a phone goes through them
// (reference 6.10).

#include "tests/rack/restore/step.h"

namespace rack {

[[nodiscard]] std::span<const Step> TicketSteps();     // ticket.cc: host, root ticket, NOR
[[nodiscard]] std::span<const Step> PartitionSteps();  // partitions.cc: FDR, format, system image
[[nodiscard]] std::span<const Step> InstallSteps();    // install.cc: kernel to metadata
[[nodiscard]] std::span<const Step> FirmwareSteps();   // firmware.cc: FUD and its kin; updaters
[[nodiscard]] std::span<const Step> FinishSteps();     // finish.cc: boot command

}  // namespace rack
