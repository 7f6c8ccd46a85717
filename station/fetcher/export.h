#pragma once
// Copies a stored firmware to a folder, such as a stick for a station without a network:
// VERSION_BUILD_HASH.ipsw, its index beside it, and a line in SHA256SUMS.

#include <filesystem>

#include "station/base/ids.h"
#include "station/base/result.h"
#include "station/fetcher/import.h"

namespace station::fetcher {

inline constexpr const char* kSumsFile = "SHA256SUMS";

struct ExportRequest {
  std::filesystem::path store;
  Sha256Digest sha256{};
  std::filesystem::path target;  // a folder that is there
};

// The IPSW's new path. Read through its digests, so that rot is not passed on: kFirmwareRotted,
// kFirmwareAbsent, kDiskFull, kIo, kCancelled. What was written of a copy that failed is removed.
[[nodiscard]] Result<std::filesystem::path> Export(const ExportRequest& request,
                                                   const ImportHooks& hooks);

}  // namespace station::fetcher
