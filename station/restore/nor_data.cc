#include "station/restore/nor_data.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace station::restore {
namespace {

// Which component a file of all_flash is, by how its name begins (restore-protocol 4.8); longer
// names first.
constexpr auto kByFileName = std::to_array<std::pair<std::string_view, const char*>>({
    {"LLB", "LLB"},
    {"iBoot", "iBoot"},
    {"DeviceTree", "DeviceTree"},
    {"applelogo", "AppleLogo"},
    {"liquiddetect", "Liquid"},
    {"lowpowermode", "LowPowerWallet0"},
    {"recoverymode", "RecoveryMode"},
    {"batterylow0", "BatteryLow0"},
    {"batterylow1", "BatteryLow1"},
    {"glyphcharging", "BatteryCharging"},
    {"glyphplugin", "BatteryPlugin"},
    {"batterycharging0", "BatteryCharging0"},
    {"batterycharging1", "BatteryCharging1"},
    {"batteryfull", "BatteryFull"},
    {"needservice", "NeedService"},
    {"SCAB", "SCAB"},
    {"sep-firmware", "RestoreSEP"},
});

std::vector<std::string> OfTextManifest(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const std::size_t end = text.find_first_of("\r\n");
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    for (const auto& [prefix, component] : kByFileName) {
      if (!line.starts_with(prefix)) continue;
      names.emplace_back(component);
      break;
    }
  }
  return names;
}

std::vector<std::string> OfIdentity(const firmware::Identity& identity) {
  std::vector<std::string> names;
  for (const firmware::Component& component : identity.Components()) {
    const bool secondary =
        component.Flag("IsSecondaryFirmwarePayload") && component.Flag("IsLoadedByiBoot");
    if ((component.Flag("IsFirmwarePayload") || secondary) && component.Path())
      names.push_back(component.Name());
  }
  return names;
}

// From the list beside LLB where old firmware has one, else by the identity's flags. Less what has
// keys of its own; what begins with iBoot goes to the front, the last of those first, as other
// hosts put it.
Result<std::vector<std::string>> NorComponents(const ComponentSource& components) {
  STATION_TRY(llb, components.PathOf("LLB"));
  if (llb.find("LLB") == std::string::npos)
    return Fail(ErrorCode::kFirmwareMalformed, "LLB lies in " + llb);
  const std::string list = llb.substr(0, llb.rfind('/') + 1) + "manifest";
  std::vector<std::string> all;
  if (components.Reader().Has(list)) {
    STATION_TRY(text, components.Reader().Read(list, 1U << 20U));
    all = OfTextManifest({reinterpret_cast<const char*>(text.data()), text.size()});
  } else {
    all = OfIdentity(components.Identity());
  }
  if (all.empty())
    return Fail(ErrorCode::kFirmwareMalformed, "the identity names nothing for the phone's flash");
  std::vector<std::string> names;
  for (std::string& name : all) {
    if (name == "LLB" || name == "RestoreSEP") continue;
    names.insert(name.starts_with("iBoot") ? names.begin() : names.end(), std::move(name));
  }
  return names;
}

}  // namespace

Status AddNorData(const ComponentSource& components, bool by_name, StreamedList& answer) {
  const auto add = [&](const std::string& component) -> Status {
    STATION_TRY(image, components.Personalised(component));
    answer.Data(std::move(image));
    return {};
  };
  answer.Key("LlbImageData");
  STATION_CHECK(add("LLB"));
  STATION_TRY(names, NorComponents(components));
  answer.Key("NorImageData");
  by_name ? answer.BeginDict() : answer.BeginArray();
  for (const std::string& name : names) {
    if (by_name) answer.Key(name);
    STATION_CHECK(add(name));
  }
  by_name ? answer.EndDict() : answer.EndArray();
  constexpr std::array<std::pair<const char*, const char*>, 3> kSecureProcessor{
      {{"RestoreSEP", "RestoreSEPImageData"},
       {"SEP", "SEPImageData"},
       {"SepStage1", "SEPPatchImageData"}}};
  for (const auto& [component, key] : kSecureProcessor) {
    if (!components.Identity().Has(component)) continue;
    answer.Key(key);
    STATION_CHECK(add(component));
  }
  return {};
}

}  // namespace station::restore
