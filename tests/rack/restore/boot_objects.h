#pragma once
// Files that a phone has streamed to it by name.

#include "tests/rack/restore/step.h"

namespace rack {

// A component as it lies in the firmware, hashed as it passes. It must be what the manifest says,
// where the ramdisk knows; the key of an encrypted one is asked for when its head is there.
[[nodiscard]] StepResult FetchSource(RestoreRun& run, const std::string& component);
// A component under the ticket in force, of this type.
[[nodiscard]] StepResult FetchPersonalised(RestoreRun& run, const std::string& component,
                                           const std::string& four_cc);
// A cpio archive of old portable form, up to its trailer.
[[nodiscard]] StepResult FetchArchive(RestoreRun& run, const std::string& data_type);

}  // namespace rack
