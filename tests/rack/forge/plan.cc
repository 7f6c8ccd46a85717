#include "tests/rack/forge/plan.h"

#include "tests/rack/image4/components.h"

namespace rack {
namespace {

// A file shared by X and RestoreX holds X: the Restore form is made by patching the type.
bool IsRestoreForm(const std::string& component) {
  return component.starts_with("Restore") && component != "RestoreRamDisk" &&
         component != "RestoreTrustCache";
}

bool IsPersonalised(const Value& info) {
  return info.Flag("Personalize", true) && !info.Flag("IsFTAB");
}

Marker MarkerFor(const Value& manifest, const Value& identity_info, const std::string& component) {
  Marker marker;
  marker.build = manifest.Text("ProductBuildVersion");
  marker.version = manifest.Text("ProductVersion");
  if (component == "RestoreRamDisk") {
    const std::string variant = identity_info.Text("Variant");
    const bool update = identity_info.Text("RestoreBehavior") == "Update" ||
                        variant.find("Upgrade") != std::string::npos;
    marker.behaviour = update ? "Update" : "Erase";
  } else if (component.find("DeviceTree") != std::string::npos) {
    marker.board = identity_info.Text("DeviceClass");
  }
  return marker;
}

// A ramdisk serves every board whose identity names it.
void AddComponents(Marker& marker, const std::string& board, const Value::Dict& components) {
  for (const auto& [name, entry] : components) marker.components[board].insert(name);
}

}  // namespace

std::map<std::string, PlannedFile> PlanFiles(Value& manifest) {
  std::map<std::string, PlannedFile> files;
  Value* identities = manifest.Find("BuildIdentities");
  if (identities == nullptr || identities->AsArray() == nullptr) return files;
  for (Value& identity : *identities->AsArray()) {
    Value* components = identity.Find("Manifest");
    const Value* identity_info = identity.Find("Info");
    if (components == nullptr || components->AsDict() == nullptr || identity_info == nullptr)
      continue;
    for (auto& [name, entry] : *components->AsDict()) {
      const Value* info = entry.Find("Info");
      const std::string path = info == nullptr ? "" : info->Text("Path");
      if (path.empty()) continue;
      const std::string type = IsPersonalised(*info) ? TicketName(name, info) : "";
      PlannedFile& file = files[path];
      if (file.uses.empty() || (IsRestoreForm(file.main_component) && !IsRestoreForm(name))) {
        file.path = path;
        file.main_component = name;
        file.stored_type = type;
        file.marker = MarkerFor(manifest, *identity_info, name);
      }
      file.uses.push_back({&entry, type});
      if (name == "RestoreRamDisk")
        AddComponents(file.marker, identity_info->Text("DeviceClass"), *components->AsDict());
    }
  }
  return files;
}

}  // namespace rack
