#pragma once
// The chapters of a restore, in the order in which a phone goes through them (reference 6.10 and
// public logs of iOS 10 to 26), and the files that tell them.

#include <vector>

#include "tests/rack/restore/step.h"

namespace rack {

using Steps = std::span<const Step>;

[[nodiscard]] Steps HostSteps();                  // host.cc: is this host able to?
[[nodiscard]] Steps TicketSteps();                // ticket.cc: root ticket, boot firmware
[[nodiscard]] Steps OldSystemSteps();             // partitions.cc: what was there before
[[nodiscard]] Steps PartitionSteps();             // partitions.cc: from the format on
[[nodiscard]] Steps ImageSteps();                 // system_image.cc: asks for it
[[nodiscard]] Steps ImageAwaitedSteps();          // system_image.cc: it is there
[[nodiscard]] Steps CryptexSteps();               // cryptex.cc
[[nodiscard]] Steps InstallSteps();               // install.cc: kernel to metadata
[[nodiscard]] Steps FactoryDataSavedSteps();      // factory_data.cc
[[nodiscard]] Steps FactoryDataRecoveredSteps();  // factory_data.cc
[[nodiscard]] Steps FirmwareSteps();              // firmware.cc: images by name, updaters
[[nodiscard]] Steps FactoryDataVerifiedSteps();   // factory_data.cc
[[nodiscard]] Steps SealingSteps();               // finish.cc
[[nodiscard]] Steps FinishSteps();                // finish.cc

// The order for this firmware.
[[nodiscard]] std::vector<Chapter> ChaptersOf(const RestoreRun& run);
// The names a fault may use.
[[nodiscard]] std::vector<std::string> StepNames();

}  // namespace rack
