#include "station/restore/nor_data.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace station::restore {
namespace {

using plist::Plist;

// In manifest order, iBoot before the others.
std::vector<std::string> NorComponents(const firmware::Identity& identity) {
  std::vector<std::string> names;
  for (const firmware::Component& component : identity.Components()) {
    const bool secondary =
        component.Flag("IsSecondaryFirmwarePayload") && component.Flag("IsLoadedByiBoot");
    if (!component.Flag("IsFirmwarePayload") && !secondary) continue;
    if (component.Name() == "LLB" || component.Name() == "RestoreSEP") continue;
    names.push_back(component.Name());
  }
  std::ranges::stable_partition(names,
                                [](const std::string& name) { return name.starts_with("iBoot"); });
  return names;
}

}  // namespace

Result<Plist> BuildNorData(const ComponentSource& components, bool by_name) {
  Plist answer = Plist::Dict();
  STATION_TRY(llb, components.Personalised("LLB"));
  answer.Set("LlbImageData", Plist::Data(llb));
  Plist images = by_name ? Plist::Dict() : Plist::Array();
  const std::vector<std::string> names = NorComponents(components.Identity());
  if (names.empty())
    return Fail(ErrorCode::kFirmwareMalformed, "the identity names nothing for the phone's flash");
  for (const std::string& name : names) {
    STATION_TRY(image, components.Personalised(name));
    if (by_name) {
      images.Set(name, Plist::Data(image));
    } else {
      images.Append(Plist::Data(image));
    }
  }
  answer.Set("NorImageData", std::move(images));
  constexpr std::array<std::pair<const char*, const char*>, 3> kSecureProcessor{
      {{"RestoreSEP", "RestoreSEPImageData"},
       {"SEP", "SEPImageData"},
       {"SepStage1", "SEPPatchImageData"}}};
  for (const auto& [component, key] : kSecureProcessor) {
    if (!components.Identity().Has(component)) continue;
    STATION_TRY(image, components.Personalised(component));
    answer.Set(key, Plist::Data(image));
  }
  return answer;
}

}  // namespace station::restore
