#pragma once
// RestoreOptions of StartRestore (restore-protocol 6.3, 6.4).

#include <string>

#include "station/firmware/build_manifest.h"
#include "station/plist/plist.h"

namespace station::restore {

// Boot arguments iBEC hands the restore kernel; restored is told them again.
inline constexpr const char* kRestoreBootArgs = "rd=md0 nand-enable-reformat=1 -progress";

[[nodiscard]] plist::Plist BuildRestoreOptions(const firmware::Identity& identity);

}  // namespace station::restore
