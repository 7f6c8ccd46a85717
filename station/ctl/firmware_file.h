#pragma once
// A firmware file looked at without the station: an IPSW, or a build manifest alone.

#include <cstdint>
#include <filesystem>
#include <optional>

#include "station/base/result.h"
#include "station/firmware/build_manifest.h"
#include "station/firmware/zip_directory.h"

namespace station::ctl {

struct FirmwareFile {
  firmware::BuildManifest manifest;
  std::optional<firmware::ZipDirectory> members;  // absent: it was the manifest alone
  std::uint64_t size = 0;
};

// kFirmwareUnreadable, kFirmwareMalformed.
[[nodiscard]] Result<FirmwareFile> ReadFirmwareFile(const std::filesystem::path& path);

}  // namespace station::ctl
