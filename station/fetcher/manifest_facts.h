#pragma once
// The few things an import must know from BuildManifest.plist: what the firmware is, and which
// files it needs.

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "station/base/result.h"
#include "station/firmware/zip_directory.h"

namespace station::fetcher {

struct ManifestFacts {
  std::string version;
  std::string build;
  std::vector<std::string> products;
  std::set<std::string> paths;     // every Info.Path of every identity
  std::set<std::string> os_paths;  // those of the OS images
  friend bool operator==(const ManifestFacts&, const ManifestFacts&) = default;
};

// BuildManifest.plist as it stands in the archive. kFirmwareMalformed.
[[nodiscard]] Result<std::vector<std::uint8_t>> ReadManifest(
    const firmware::ByteSource& source, const firmware::ZipDirectory& directory);

// kFirmwareMalformed without a manifest, or one that does not say what it is for;
// kFirmwareMemberMissing naming a file the manifest wants and the archive lacks.
[[nodiscard]] Result<ManifestFacts> ReadManifestFacts(const firmware::ByteSource& source,
                                                      const firmware::ZipDirectory& directory);

}  // namespace station::fetcher
