#pragma once
// The unsigned manifest a phone is shown before an update that keeps its data: which firmware it is
// about to get (restore-protocol 4.6).

#include <cstdint>
#include <vector>

#include "station/base/result.h"
#include "station/firmware/build_manifest.h"

namespace station::signing {

// IM4M without signature and certificates; of the components only trusted firmware payloads.
// kFirmwareMalformed when the identity lacks chip or board.
[[nodiscard]] Result<std::vector<std::uint8_t>> BuildLocalManifest(
    const firmware::Identity& identity);

}  // namespace station::signing
