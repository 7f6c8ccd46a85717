#include "tests/rack/forge/contents.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tests/rack/forge/ftab.h"
#include "tests/rack/forge/random_source.h"
#include "tests/rack/forge/side_files.h"
#include "tests/rack/image4/payload.h"

namespace rack {
namespace {

struct SizeRow {
  std::string_view component;
  std::uint64_t size;
};
constexpr std::uint64_t kUsualSize = 48U << 10U;
constexpr auto kSizes = std::to_array<SizeRow>({
    {"Ap,SystemVolumeCanonicalMetadata", 300U << 10U},
    {"DeviceTree", 180U << 10U},
    {"LLB", 700U << 10U},
    {"RestoreSEP", 1500U << 10U},
    {"SEP", 1500U << 10U},
    {"SystemVolume", 229},
    {"iBEC", 700U << 10U},
    {"iBSS", 700U << 10U},
    {"iBoot", 700U << 10U},
});

std::uint64_t SizeFor(std::string_view component, const ContentSizes& sizes) {
  if (component == "RestoreRamDisk") return sizes.ramdisk;
  if (component == "KernelCache" || component == "RestoreKernelCache") return sizes.kernel;
  const auto row = std::ranges::find(kSizes, component, &SizeRow::component);
  return row == kSizes.end() ? kUsualSize : row->size;
}

Bytes MakePayload(const PlannedFile& file, Bytes data) {
  if (HoldsMarker(file)) {
    const Bytes marker = WriteMarker(file.marker);
    data.resize(std::max(data.size(), marker.size()));
    std::ranges::copy(marker, data.begin());
  }
  return WritePayload(file.stored_type, fmt::format("{}-rack", file.main_component), data);
}

Bytes MakeFtab(const PlannedFile& file, const Bytes& data, std::uint64_t seed) {
  std::map<std::string, Bytes> parts;
  for (const PlannedFile::Use& use : file.uses) {
    Bytes part(data.size());
    RandomSource(seed, file.path + "#" + use.type).Fill(0, part);
    if (!use.type.empty()) parts[use.type] = std::move(part);
  }
  return WriteFtab(parts);
}

}  // namespace

Bytes MakeContents(const PlannedFile& file, const ContentSizes& sizes) {
  Bytes data(SizeFor(file.main_component, sizes));
  RandomSource(sizes.seed, file.path).Fill(0, data);
  switch (file.kind) {
    case FileKind::kPayload:
      return MakePayload(file, std::move(data));
    case FileKind::kFtab:
      return MakeFtab(file, data, sizes.seed);
    case FileKind::kPlain:
      return MakeSideFile(file, sizes.seed).value_or(std::move(data));
    case FileKind::kDiskImage:
    case FileKind::kEmpty:
      break;
  }
  return {};
}

Bytes DigestOfUse(Bytes& contents, std::string_view type, HashKind hash) {
  if (IsFtab(contents) && !type.empty()) {
    const auto part = FtabPart(contents, type);
    return part ? Hash(hash, *part) : Bytes();
  }
  if (!type.empty() && ReadPayload(contents)) PatchType(contents, type);
  return Hash(hash, contents);
}

}  // namespace rack
