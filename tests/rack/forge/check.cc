#include "tests/rack/forge/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "tests/rack/forge/contents.h"
#include "tests/rack/forge/manifest.h"
#include "tests/rack/forge/side_files.h"
#include "tests/rack/forge/zip_reader.h"
#include "tests/rack/image4/components.h"
#include "tests/rack/image4/payload.h"

namespace rack {
namespace {

using station::ErrorCode;
using station::Fail;
using station::Result;
using station::Status;

class Checker {
 public:
  Checker(ZipReader zip, const Progress& progress) : zip_(std::move(zip)), progress_(progress) {}

  [[nodiscard]] Result<CheckReport> Run();

 private:
  [[nodiscard]] Status CheckIdentity(const Value& identity, const Value::Dict& components);
  [[nodiscard]] Status CheckEntry(const std::string& component, const Value& entry,
                                  const Value& identity);
  [[nodiscard]] Status CheckSideDigests(const std::string& component, const Value& entry,
                                        const Value& identity);
  [[nodiscard]] Result<Bytes> DigestOf(const std::string& path, const std::string& type,
                                       HashKind hash);
  [[nodiscard]] Status CompareWithRecipe(const ImageRecipe& recipe);
  [[nodiscard]] Status ReadRecipes(const Value::Dict& components);
  [[nodiscard]] Status CheckRestorePlist() const;

  const ZipReader zip_;
  const Progress& progress_;
  CheckReport report_;
  std::set<std::string> ramdisks_read_;
  std::map<std::string, ImageRecipe> recipes_;  // by path
  std::set<std::string> compared_;
  std::map<std::tuple<std::string, std::string, HashKind>, Bytes> known_;
};

Result<CheckReport> Checker::Run() {
  STATION_TRY(text, zip_.Read("BuildManifest.plist"));
  if (!AsText(text).starts_with("<?xml"))
    return Fail(ErrorCode::kFirmwareMalformed, "BuildManifest.plist is not XML");
  STATION_TRY(manifest, Value::Parse(text));
  Value ruled = manifest;
  STATION_CHECK(ApplyTypeRules(ruled));
  if (ruled.ToXml() != manifest.ToXml())
    return Fail(ErrorCode::kFirmwareMalformed, "an identity's numbers are of the wrong type");
  Status done;
  ForEachIdentity(std::as_const(manifest),
                  [&](const Value& identity, const Value&, const Value::Dict& components) {
                    if (done) done = CheckIdentity(identity, components);
                  });
  STATION_CHECK(done);
  STATION_CHECK(CheckRestorePlist());
  return report_;
}

Status Checker::CheckIdentity(const Value& identity, const Value::Dict& components) {
  STATION_CHECK(ReadRecipes(components));
  for (const auto& [name, entry] : components)
    if (Status checked = CheckEntry(name, entry, identity); !checked)
      return Fail(checked.error().code, fmt::format("identity {}, {}: {}", report_.identities, name,
                                                    checked.error().context));
  ++report_.identities;
  return {};
}

// The ramdisk says how the images of its identity were made.
Status Checker::ReadRecipes(const Value::Dict& components) {
  for (const auto& [name, entry] : components) {
    if (name != "RestoreRamDisk" || !ramdisks_read_.insert(PathOf(entry)).second) continue;
    STATION_TRY(bytes, zip_.Read(PathOf(entry)));
    const auto payload = ReadPayload(bytes);
    const auto marker = payload ? ReadMarker(payload->data) : std::nullopt;
    if (!marker)
      return Fail(ErrorCode::kFirmwareMalformed, PathOf(entry) + " is no forged ramdisk");
    for (const ImageRecipe& recipe : marker->images) recipes_[recipe.path] = recipe;
  }
  return {};
}

Status Checker::CheckEntry(const std::string& component, const Value& entry,
                           const Value& identity) {
  const std::string path = PathOf(entry);
  if (path.empty()) return {};
  if (zip_.Find(path) == nullptr)
    return Fail(ErrorCode::kFirmwareMalformed, path + " is not in the archive");
  STATION_CHECK(CheckSideDigests(component, entry, identity));
  const Bytes* stated = entry.Data("Digest");
  if (stated == nullptr) return {};
  const std::string type = TicketName(component, entry.Find("Info"));
  STATION_TRY(digest, DigestOf(path, type, DigestKind(entry, identity)));
  if (digest != *stated)
    return Fail(ErrorCode::kFirmwareMalformed, "the digest is not that of " + path);
  ++report_.digests;
  return {};
}

// What stands in the entry besides Digest: of baseband and secure element.
Status Checker::CheckSideDigests(const std::string& component, const Value& entry,
                                 const Value& identity) {
  if (!HasSideDigests(component)) return {};
  STATION_TRY(bytes, zip_.Read(PathOf(entry)));
  if (WithSideDigests(component, entry, identity, bytes).ToXml() != entry.ToXml())
    return Fail(ErrorCode::kFirmwareMalformed, "its digests are not those of " + PathOf(entry));
  return {};
}

Result<Bytes> Checker::DigestOf(const std::string& path, const std::string& type, HashKind hash) {
  const auto key = std::tuple(path, type, hash);
  if (const auto found = known_.find(key); found != known_.end()) return found->second;
  if (const auto recipe = recipes_.find(path); recipe != recipes_.end()) {
    STATION_CHECK(CompareWithRecipe(recipe->second));
    for (const Bytes& digest : recipe->second.digests)
      if (HashKindForSize(digest.size()) == hash) return known_[key] = digest;
    return Fail(ErrorCode::kFirmwareMalformed, "no digest of that kind in the recipe of " + path);
  }
  STATION_TRY(bytes, zip_.Read(path));
  return known_[key] = DigestOfUse(bytes, type, hash);
}

Status Checker::CompareWithRecipe(const ImageRecipe& recipe) {
  if (!compared_.insert(recipe.path).second) return {};
  const DiskImage image(recipe);
  std::uint64_t at = 0;
  STATION_CHECK(zip_.ForEachPiece(recipe.path, [&](std::span<const std::uint8_t> piece) -> Status {
    if (const auto wrong = image.Mismatch(at, piece))
      return Fail(ErrorCode::kFirmwareMalformed,
                  fmt::format("{} differs from its recipe at byte {}", recipe.path, *wrong));
    at += piece.size();
    if (progress_) progress_("checking " + recipe.path, at, image.Size());
    return {};
  }));
  if (at != image.Size())
    return Fail(ErrorCode::kFirmwareMalformed, recipe.path + " is shorter than its recipe says");
  return {};
}

Status Checker::CheckRestorePlist() const {
  STATION_TRY(text, zip_.Read("Restore.plist"));
  STATION_TRY(restore, Value::Parse(text));
  for (const char* key :
       {"DeviceMap", "KernelCachesByTarget", "ProductBuildVersion", "ProductVersion",
        "RestoreRamDisks", "SupportedProductTypes", "SystemRestoreImages"})
    if (restore.Find(key) == nullptr)
      return Fail(ErrorCode::kFirmwareMalformed, std::string("Restore.plist lacks ") + key);
  for (const char* name : {"RestoreRamDisks", "SystemRestoreImages"}) {
    const Value::Dict* paths = restore.Find(name)->AsDict();
    if (paths == nullptr || paths->empty())
      return Fail(ErrorCode::kFirmwareMalformed, std::string("Restore.plist names no ") + name);
    for (const auto& [kind, path] : *paths)
      if (path.AsText() == nullptr || zip_.Find(*path.AsText()) == nullptr)
        return Fail(ErrorCode::kFirmwareMalformed,
                    fmt::format("Restore.plist: {} {} is not in the archive", name, kind));
  }
  if (zip_.Find("SystemVersion.plist") == nullptr)
    return Fail(ErrorCode::kFirmwareMalformed, "no SystemVersion.plist");
  return {};
}

}  // namespace

Result<CheckReport> CheckFirmware(const std::string& ipsw, const Progress& progress) {
  STATION_TRY(zip, ZipReader::Open(ipsw));
  return Checker(std::move(zip), progress).Run();
}

}  // namespace rack
