#include "tests/rack/forge/forge.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "station/base/fd.h"
#include "station/base/ids.h"
#include "tests/rack/forge/plan.h"
#include "tests/rack/forge/random_source.h"
#include "tests/rack/forge/zip_writer.h"
#include "tests/rack/image4/digest.h"
#include "tests/rack/image4/payload.h"

namespace rack {
namespace {

using station::ErrorCode;
using station::Fail;
using station::Result;
using station::Status;

constexpr std::size_t kPiece = 1U << 20U;

std::uint64_t SizeFor(const PlannedFile& file, const ForgeOrder& order) {
  const std::string& component = file.main_component;
  if (component == "RestoreRamDisk") return order.ramdisk_size;
  if (component == "KernelCache" || component == "RestoreKernelCache") return order.kernel_size;
  if (component == "iBSS" || component == "iBEC" || component == "iBoot" || component == "LLB")
    return 700U << 10U;
  if (component == "SEP" || component == "RestoreSEP") return 1500U << 10U;
  if (component == "DeviceTree") return 180U << 10U;
  if (component.starts_with("Ap,SystemVolume")) return 300U << 10U;
  if (component == "SystemVolume") return 229;
  return 48U << 10U;
}

Bytes Contents(const PlannedFile& file, const ForgeOrder& order) {
  Bytes data(SizeFor(file, order));
  RandomSource(order.seed, file.path).Fill(data);
  if (file.stored_type.empty()) return data;
  if (file.main_component == "RestoreRamDisk" ||
      file.main_component.find("DeviceTree") != std::string::npos) {
    const Bytes marker = WriteMarker(file.marker);
    data.resize(std::max(data.size(), marker.size()));
    std::ranges::copy(marker, data.begin());
  }
  return WritePayload(file.stored_type, fmt::format("{}-rack", file.main_component), data);
}

void ReplaceDigests(PlannedFile& file, Bytes contents) {
  for (PlannedFile::Use& use : file.uses) {
    const Bytes* old = use.entry->Data("Digest");
    if (old == nullptr) continue;
    if (!use.type.empty()) PatchType(contents, use.type);
    use.entry->Set("Digest", Hash(HashKindForSize(old->size()), contents));
  }
}

// Streams the OS image into the zip; the digest comes from the bytes as they pass.
Result<Bytes> WriteOs(const PlannedFile& file, const ForgeOrder& order, ZipWriter& zip) {
  RandomSource random(order.seed, file.path);
  Hasher hasher(HashKind::kSha384);
  std::uint64_t left = order.os_size;
  const auto method = order.deflate ? ZipWriter::Method::kDeflated : ZipWriter::Method::kStored;
  STATION_CHECK(zip.Add(file.path, method, [&](std::span<std::uint8_t> out) {
    const auto piece =
        out.first(static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), left)));
    random.Fill(piece);
    hasher.Add(piece);
    left -= piece.size();
    return piece.size();
  }));
  return hasher.Finish();
}

Value RestorePlist(const Value& manifest) {
  Value::Array devices;
  std::set<std::string> seen;
  Value ramdisks = Value::Dict{};
  std::string os;
  for (const Value& identity : *manifest.Find("BuildIdentities")->AsArray()) {
    const Value* info = identity.Find("Info");
    const Value* components = identity.Find("Manifest");
    if (info == nullptr || components == nullptr) continue;
    const auto path = [&](const char* component) {
      const Value* entry = components->Find(component);
      const Value* entry_info = entry == nullptr ? nullptr : entry->Find("Info");
      return entry_info == nullptr ? std::string() : entry_info->Text("Path");
    };
    ramdisks.Set(info->Text("RestoreBehavior") == "Update" ? "Update" : "User",
                 path("RestoreRamDisk"));
    os = path("OS");
    if (!seen.insert(info->Text("DeviceClass")).second) continue;
    const auto number = [&](const char* key) {
      return std::strtoull(identity.Text(key).c_str(), nullptr, 0);
    };
    devices.push_back(Value::Dict{{"BDID", std::uint64_t{number("ApBoardID")}},
                                  {"BoardConfig", info->Text("DeviceClass")},
                                  {"CPID", std::uint64_t{number("ApChipID")}},
                                  {"SCEP", 0}});
  }
  const Value* products = manifest.Find("SupportedProductTypes");
  return Value::Dict{
      {"DeviceClass", "iPhone"},
      {"DeviceMap", std::move(devices)},
      {"FirmwareDirectory", "Firmware"},
      {"ProductBuildVersion", manifest.Text("ProductBuildVersion")},
      {"ProductVersion", manifest.Text("ProductVersion")},
      {"RestoreRamDisks", std::move(ramdisks)},
      {"SupportedProductTypes", products == nullptr ? Value(Value::Array()) : *products},
      {"SystemRestoreImages", Value::Dict{{"User", os}}}};
}

Result<std::string> Sha256OfFile(const std::string& path, std::uint64_t& size) {
  STATION_TRY(file, station::OpenForReading(path));
  STATION_TRY(length, station::FileSize(file));
  size = length;
  Hasher hasher(HashKind::kSha256);
  Bytes piece(kPiece);
  for (std::uint64_t at = 0; at < length; at += piece.size()) {
    const auto part = std::span(piece).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, length - at)));
    STATION_CHECK(station::ReadAt(file, at, part));
    hasher.Add(part);
  }
  return station::ToHex(hasher.Finish());
}

Status AddFile(PlannedFile& file, const ForgeOrder& order, ZipWriter& zip, ForgeResult& result) {
  if (file.main_component == "OS") {
    STATION_TRY(digest, WriteOs(file, order, zip));
    for (PlannedFile::Use& use : file.uses) use.entry->Set("Digest", digest);
    result.os_digest = station::ToHex(digest);
    result.os_member = file.path;
    return {};
  }
  Bytes contents = Contents(file, order);
  STATION_CHECK(zip.Add(file.path, ZipWriter::Method::kStored, contents));
  ReplaceDigests(file, std::move(contents));
  return {};
}

}  // namespace

Result<ForgeResult> Forge(const ForgeOrder& order) {
  STATION_TRY(text, station::ReadFile(order.manifest));
  STATION_TRY(manifest, Value::Parse(text));
  auto files = PlanFiles(manifest);
  if (files.empty()) return Fail(ErrorCode::kFirmwareMalformed, order.manifest + " names no files");
  STATION_TRY(zip, ZipWriter::Create(order.out));
  ForgeResult result;
  for (auto& [path, file] : files) STATION_CHECK(AddFile(file, order, zip, result));
  STATION_CHECK(zip.Add("Restore.plist", ZipWriter::Method::kDeflated,
                        AsBytes(RestorePlist(manifest).ToXml())));
  STATION_CHECK(
      zip.Add("BuildManifest.plist", ZipWriter::Method::kDeflated, AsBytes(manifest.ToXml())));
  STATION_CHECK(zip.Finish());
  result.build = manifest.Text("ProductBuildVersion");
  result.version = manifest.Text("ProductVersion");
  STATION_TRY(sha256, Sha256OfFile(order.out, result.size));
  result.sha256 = sha256;
  return result;
}

}  // namespace rack
