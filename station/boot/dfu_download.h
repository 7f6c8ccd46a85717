#pragma once
// A DFU download as the boot ROM wants it: blocks, the suffix, and what starts the image
// (restore-protocol 2.6).

#include <array>
#include <cstdint>
#include <span>

#include "station/base/byte_source.h"
#include "station/base/job_control.h"
#include "station/base/result.h"
#include "station/boot/transfers.h"

namespace station::boot {

inline constexpr std::size_t kDfuBlock = 0x800;
inline constexpr std::size_t kDfuSuffixSize = 16;

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

// Checksum of a file that comes in pieces, and the 16 bytes that follow it: ids, "UFD", length, and
// the checksum of all that stands before (not inverted).
class DfuSuffix {
 public:
  void Add(std::span<const std::uint8_t> piece);
  [[nodiscard]] std::array<std::uint8_t, kDfuSuffixSize> Bytes() const;

 private:
  std::uint32_t crc_ = 0xFFFFFFFFU;
};

// Sends the whole file, has it taken over and resets the port, which starts it. kRecoveryUpload
// when the phone refuses a block or says nothing for 20 s; kCancelled and the like from `control`.
[[nodiscard]] Status DownloadAndStart(Transfers& phone, const ByteSource& file,
                                      JobControl& control);

}  // namespace station::boot
