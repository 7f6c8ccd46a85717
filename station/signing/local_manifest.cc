#include "station/signing/local_manifest.h"

#include <algorithm>
#include <array>

#include "station/image4/der_writer.h"
#include "station/signing/request_rules.h"
#include "station/signing/ticket_request.h"

namespace station::signing {
namespace {

using image4::DerBytes;
using plist::Plist;
using plist::View;

// Flags that make an entry a firmware payload.
constexpr std::array<const char*, 7> kPayloadFlags = {"IsFirmwarePayload",
                                                      "IsSecondaryFirmwarePayload",
                                                      "IsFUDFirmware",
                                                      "IsLoadedByiBoot",
                                                      "IsEarlyAccessFirmware",
                                                      "IsiBootEANFirmware",
                                                      "IsiBootNonEssentialFirmware"};
constexpr std::uint64_t kSecurityDomain = 1;

// No phone signs this: it is neither in production nor in security mode.
Plist Parameters() {
  Plist parameters = Plist::Dict();
  parameters.Set("ApProductionMode", Plist::Bool(false)).Set("ApSecurityMode", Plist::Bool(false));
  return std::move(parameters.Set("ApSupportsImg4", Plist::Bool(true)));
}

bool Belongs(const firmware::Component& component) {
  return BelongsInApRequest(component) && component.Trusted() &&
         std::ranges::any_of(kPayloadFlags, [&](const char* flag) { return component.Flag(flag); });
}

void Append(DerBytes& to, const DerBytes& bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

// Which property TBMDigests become, by the component's type.
const char* SealTag(std::string_view type) {
  return type == "sepi" ? "tbms" : type == "rsep" ? "tbmr" : nullptr;
}

DerBytes Properties(View entry, std::string_view type) {
  DerBytes properties;
  if (const auto digest = entry["Digest"].Data(); digest && !digest->empty())
    Append(properties, image4::DerProperty("DGST", image4::DerOctets(*digest)));
  for (const auto& [name, key] : {std::pair{"EKEY", "Trusted"}, {"EPRO", "EPRO"}, {"ESEC", "ESEC"}})
    if (const auto value = entry[key].Bool())
      Append(properties, image4::DerProperty(name, image4::DerBoolean(*value)));
  if (const auto seal = entry["TBMDigests"].Data(); seal && SealTag(type) != nullptr)
    Append(properties, image4::DerProperty(SealTag(type), image4::DerOctets(*seal)));
  return properties;
}

DerBytes AboutThePhone(const firmware::Identity& identity) {
  using image4::DerBoolean, image4::DerInteger, image4::DerProperty;
  const DerBytes properties = image4::Join(
      {DerProperty("BORD", DerInteger(*identity.BoardId())), DerProperty("CEPO", DerInteger(0)),
       DerProperty("CHIP", DerInteger(*identity.ChipId())), DerProperty("CPRO", DerBoolean(false)),
       DerProperty("CSEC", DerBoolean(false)), DerProperty("SDOM", DerInteger(kSecurityDomain))});
  return DerProperty("MANP", image4::DerSet(properties));
}

}  // namespace

Result<std::vector<std::uint8_t>> BuildLocalManifest(const firmware::Identity& identity) {
  if (!identity.ChipId() || !identity.BoardId())
    return Fail(ErrorCode::kFirmwareMalformed,
                "the identity for " + identity.Board() + " lacks chip or board");
  const Plist parameters = Parameters();
  DerBytes body = AboutThePhone(identity);
  for (const firmware::Component& component : identity.Components()) {
    if (!Belongs(component)) continue;
    Plist entry = RequestEntry(component.Entry(), parameters.Get());
    if (!component.Info()["RestoreRequestRules"].Present())
      entry.Set("EPRO", Plist::Bool(false)).Set("ESEC", Plist::Bool(false));
    const std::string type = component.FourCc().value_or(component.Name());
    if (type.size() < 4) continue;
    Append(body, image4::DerProperty(type, image4::DerSet(Properties(entry.Get(), type))));
  }
  const DerBytes manifest = image4::DerProperty("MANB", image4::DerSet(body));
  return image4::DerSequence(
      {image4::DerText("IM4M"), image4::DerInteger(0), image4::DerSet(manifest)});
}

}  // namespace station::signing
