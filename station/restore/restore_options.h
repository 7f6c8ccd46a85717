#pragma once
// RestoreOptions of StartRestore (restore-protocol 6.3, 6.4).

#include <cstdint>
#include <optional>
#include <string>

#include "station/firmware/build_manifest.h"
#include "station/plist/plist.h"

namespace station::restore {

// Boot arguments iBEC hands the restore kernel; restored is told them again.
inline constexpr const char* kRestoreBootArgs = "rd=md0 nand-enable-reformat=1 -progress";

// The recovery system an identity names with RecoveryVariant (iPhone 16 and later), and the room it
// needs.
struct RecoverySystemRoom {
  std::string variant;
  std::uint64_t least_megabytes = 0;
  std::uint64_t most_megabytes = 0;
};

// `preflight`: lockdown's FirmwarePreflightInfo, where the restore began in normal mode.
[[nodiscard]] plist::Plist BuildRestoreOptions(
    const firmware::Identity& identity, plist::View preflight = {},
    const std::optional<RecoverySystemRoom>& recovery = {});

}  // namespace station::restore
