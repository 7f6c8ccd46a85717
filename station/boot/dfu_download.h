#pragma once
// A DFU download as the boot ROM wants it: blocks, the suffix, and what starts the image
// (restore-protocol 2.6).

#include <cstdint>
#include <span>
#include <vector>

#include "station/base/job_control.h"
#include "station/base/result.h"
#include "station/boot/transfers.h"

namespace station::boot {

inline constexpr std::size_t kDfuBlock = 0x800;
inline constexpr std::size_t kDfuSuffix = 16;

// The state byte of GETSTATE and GETSTATUS.
enum class DfuState : std::uint8_t {
  kIdle = 2,
  kDownloadSync = 3,
  kDownloadBusy = 4,
  kDownloadIdle = 5,
  kManifestSync = 6,
  kManifest = 7,
  kManifestWaitReset = 8,
  kUploadIdle = 9,
  kError = 10,
};

// The 16 bytes behind a file: ids, "UFD", length, and the checksum of all that stands before it
// (not inverted).
[[nodiscard]] std::vector<std::uint8_t> DfuSuffix(std::span<const std::uint8_t> file);

// Sends the whole file, has it taken over and resets the port, which starts it. kRecoveryUpload
// when the phone refuses a block or says nothing for 20 s; kCancelled and the like from `control`.
[[nodiscard]] Status DownloadAndStart(Transfers& phone, std::span<const std::uint8_t> file,
                                      JobControl& control);

}  // namespace station::boot
