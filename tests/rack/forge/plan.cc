#include "tests/rack/forge/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tests/rack/forge/manifest.h"
#include "tests/rack/forge/side_files.h"
#include "tests/rack/image4/components.h"

namespace rack {
namespace {

using station::ErrorCode;
using station::Fail;
using station::Status;

constexpr std::string_view kCryptex = "Cryptex1,";
constexpr std::string_view kRamdisk = "RestoreRamDisk";

// Personalised files whose components no ticket of the application processor names; a cryptex's
// own four-ccs (reference 3.6).
struct SuffixType {
  std::string_view suffix;
  std::string_view four_cc;
};
constexpr auto kGenericTypes = std::to_array<SuffixType>({
    {".root_hash", "gtgv"},
    {".trustcache", "gtcd"},
});

// A file shared by X and RestoreX holds X: the Restore form is made by patching the type.
bool IsRestoreForm(std::string_view component) {
  return component.starts_with("Restore") && component != kRamdisk &&
         component != "RestoreTrustCache";
}

bool IsDeviceTree(std::string_view component) {
  return component == "DeviceTree" || component == "RestoreDeviceTree";
}

bool IsDiskImage(std::string_view component, const Value& entry) {
  const std::string path = PathOf(entry);
  if (component == "OS") return !path.empty();
  return (path.ends_with(".dmg") || path.ends_with(".aea")) &&
         !entry.Find("Info")->Flag("Personalize", true);
}

// Whether the manifest's digest is that of no bytes at all, as for the .vt.fw files of real ones.
bool IsEmptyFile(const Value& entry) {
  const Bytes* digest = entry.Data("Digest");
  return digest != nullptr && !digest->empty() &&
         *digest == Hash(HashKindForSize(digest->size()), Bytes());
}

std::string StoredType(const std::string& path, const std::string& component, const Value& info) {
  const std::string known = TicketName(component, &info);
  if (!known.empty() || !info.Flag("Personalize", true)) return known;
  const auto generic = std::ranges::find_if(
      kGenericTypes, [&](const SuffixType& row) { return path.ends_with(row.suffix); });
  return generic == kGenericTypes.end() ? "" : std::string(generic->four_cc);
}

FileKind KindOf(const std::string& path, const std::string& component, const Value& entry) {
  const Value& info = *entry.Find("Info");
  if (info.Flag("IsFTAB")) return FileKind::kFtab;
  if (IsDiskImage(component, entry)) return FileKind::kDiskImage;
  if (IsEmptyFile(entry)) return FileKind::kEmpty;
  return StoredType(path, component, info).empty() ? FileKind::kPlain : FileKind::kPayload;
}

void NameFile(PlannedFile& file, const std::string& path, const std::string& component,
              const Value& entry) {
  file.path = path;
  file.kind = KindOf(path, component, entry);
  file.main_component = component;
  file.stored_type = StoredType(path, component, *entry.Find("Info"));
}

// A ramdisk serves every board whose identity names it.
Status MarkRamdisk(PlannedFile& file, const Value& identity, const Value::Dict& components) {
  const Value& identity_info = *identity.Find("Info");
  const std::string behaviour = IsUpdate(identity_info) ? "Update" : "Erase";
  if (!file.marker.behaviour.empty() && file.marker.behaviour != behaviour)
    return Fail(ErrorCode::kFirmwareMalformed,
                file.path + " is the ramdisk of erase and of update");
  file.marker.behaviour = behaviour;
  const std::string board = identity_info.Text("DeviceClass");
  file.marker.sides[board] = SideFacts(identity);
  std::set<std::string>& names = file.marker.components[board];
  for (const auto& [name, entry] : components) {
    names.insert(name);
    if (name.starts_with(kCryptex)) file.cryptexes[board][name] = &entry;
    if (IsDiskImage(name, entry)) file.images.insert(PathOf(entry));
  }
  return {};
}

void MarkDeviceTree(PlannedFile& file, const std::string& board) {
  const bool first = file.uses.empty();
  if (first) file.marker.board = board;
  if (file.marker.board != board) file.marker.board.clear();
}

Status AddEntry(Plan& plan, const Value& identity, Value::Dict& components,
                const std::string& component, Value& entry) {
  const std::string path = PathOf(entry);
  if (path.empty()) return {};
  const Value& identity_info = *identity.Find("Info");
  PlannedFile& file = plan[path];
  if (file.uses.empty() || (IsRestoreForm(file.main_component) && !IsRestoreForm(component)))
    NameFile(file, path, component, entry);
  if (component == kRamdisk) STATION_CHECK(MarkRamdisk(file, identity, components));
  if (IsDeviceTree(component)) MarkDeviceTree(file, identity_info.Text("DeviceClass"));
  file.uses.push_back({.entry = &entry,
                       .identity = &identity,
                       .component = component,
                       .type = TicketName(component, entry.Find("Info")),
                       .hash = DigestKind(entry, identity)});
  return {};
}

}  // namespace

bool HoldsMarker(const PlannedFile& file) {
  return file.main_component == kRamdisk || IsDeviceTree(file.main_component);
}

station::Result<Plan> PlanFiles(Value& manifest) {
  Plan plan;
  Status done;
  ForEachIdentity(manifest, [&](const Value& identity, const Value&, Value::Dict& components) {
    for (auto& [name, entry] : components)
      if (done) done = AddEntry(plan, identity, components, name, entry);
  });
  STATION_CHECK(done);
  if (plan.empty()) return Fail(ErrorCode::kFirmwareMalformed, "the manifest names no files");
  for (auto& [path, file] : plan) {
    file.marker.build = manifest.Text("ProductBuildVersion");
    file.marker.version = manifest.Text("ProductVersion");
  }
  return plan;
}

}  // namespace rack
