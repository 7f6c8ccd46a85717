#pragma once
// Whether an IPSW holds together: every file its manifest names is there, every digest belongs to
// its bytes, and the property lists beside the manifest are whole. Looks only at the finished file.

#include <string>

#include "station/base/result.h"
#include "tests/rack/forge/sparse_file.h"

namespace rack {

struct CheckReport {
  int identities = 0;
  int digests = 0;
};

// kFirmwareMalformed, naming identity and component, at the first thing that does not fit.
[[nodiscard]] station::Result<CheckReport> CheckFirmware(const std::string& ipsw,
                                                         const Progress& progress = {});

}  // namespace rack
