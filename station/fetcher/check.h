#pragma once
// Reads a stored firmware again, every byte of it, and compares it with the digests it was imported
// with.

#include <cstdint>
#include <filesystem>
#include <functional>

#include "station/base/ids.h"
#include "station/base/result.h"
#include "station/fetcher/import.h"

namespace station::fetcher {

struct CheckRequest {
  std::filesystem::path store;
  Sha256Digest sha256{};
  std::uint64_t from = 0;                                // bytes that were checked already
  std::uint64_t bytes_per_second = 0;                    // 0: as fast as it goes
  std::function<bool(std::chrono::milliseconds)> pause;  // false gives up
};

// kFirmwareRotted says where; kFirmwareAbsent, kCancelled. What the system still holds in memory is
// read from the disk, too.
[[nodiscard]] Status Check(const CheckRequest& request, const ImportHooks& hooks);

}  // namespace station::fetcher
