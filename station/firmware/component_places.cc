#include "station/firmware/component_places.h"

#include <algorithm>
#include <array>
#include <map>

#include "station/firmware/request_rules.h"

namespace station::firmware {
namespace {

struct ChipRow {
  std::string_view prefix;  // of the component's name
  std::string_view signer;
};
constexpr std::string_view kCryptexPrefix = "Cryptex1,";
constexpr auto kChips = std::to_array<ChipRow>({
    {"BasebandFirmware", "baseband"},
    {"SE,", "SE"},
    {"Savage,", "Savage"},
    {"Yonkers,", "Yonkers"},
    {"Rap,", "Rose"},
    {"BMU,", "Veridian"},
    {"Baobab,", "TCON"},
    {"eUICC,", "eUICC"},
    {"Timer,", "retimer"},
    {"USBPortController1,", "USB port controller"},
    {"Wireless1,", "Centauri"},
    {"Cellular1,", "cellular"},
    {kCryptexPrefix, "Cryptex1"},
});

// Prefixes of the application processor's own components.
constexpr std::string_view kApPrefix = "Ap,";

const ChipRow* ChipOf(const Component& component) {
  const auto found = std::ranges::find_if(
      kChips, [&](const ChipRow& row) { return component.Name().starts_with(row.prefix); });
  return found == kChips.end() ? nullptr : &*found;
}

// The part before the comma, for names such as "Foo,Bar".
std::string PrefixOf(const std::string& name) {
  const std::size_t comma = name.find(',');
  return comma == std::string::npos || name.starts_with(kApPrefix) ? "" : name.substr(0, comma);
}

bool IsChip(const Component& component) {
  return !component.Name().starts_with(kCryptexPrefix) &&
         (ChipOf(component) != nullptr || !PrefixOf(component.Name()).empty());
}

bool IsFlashed(const Component& component) {
  const bool secondary =
      component.Flag("IsSecondaryFirmwarePayload") && component.Flag("IsLoadedByiBoot");
  const std::string& name = component.Name();
  return component.Flag("IsFirmwarePayload") || secondary || name == "LLB" || name == "SEP" ||
         name == "RestoreSEP" || name == "SepStage1";
}

bool IsEarlyAccess(const Component& component) {
  return component.Flag("IsEarlyAccessFirmware") || component.Flag("IsiBootEANFirmware");
}

constexpr auto kPlaces = std::to_array<Place>({
    {Chapter::kFlash, "NORData", &IsFlashed},
    {Chapter::kImage, "SystemImageData",
     [](const Component& component) { return component.Name() == "OS"; }},
    {Chapter::kInstall, "KernelCache",
     [](const Component& component) { return component.Name() == "KernelCache"; }},
    {Chapter::kInstall, "DeviceTree",
     [](const Component& component) { return component.Name() == "DeviceTree"; }},
    {Chapter::kInstall, "SystemImageRootHash",
     [](const Component& component) { return component.Name() == "SystemVolume"; }},
    {Chapter::kInstall, "SystemImageCanonicalMetadata",
     [](const Component& component) {
       return component.Name() == "Ap,SystemVolumeCanonicalMetadata";
     }},
    {Chapter::kCryptex, "boot object",
     [](const Component& component) { return component.Name().starts_with(kCryptexPrefix); }},
    {Chapter::kOnRequest, "FUDData",
     [](const Component& component) { return component.Flag("IsFUDFirmware"); }},
    {Chapter::kOnRequest, "EANData", &IsEarlyAccess},
    {Chapter::kChips, "BasebandData",
     [](const Component& component) { return component.Name() == "BasebandFirmware"; }},
    {Chapter::kChips, "FirmwareUpdaterData",
     [](const Component& component) {
       return IsChip(component) && component.Name() != "BasebandFirmware";
     }},
});

constexpr auto kLimits = std::to_array<Limit>({
    {true, "a Mac's firmware",
     [](const Identity& identity) { return identity.Info()["MacOSVariant"].Present(); }},
    {false, "it brings a recovery OS of its own, which this station does not write",
     [](const Identity& identity) { return identity.Info()["RecoveryVariant"].Present(); }},
    {false,
     "the system image is encrypted (AEA): the phone fetches its key through this station from "
     "Apple",
     [](const Identity& identity) {
       const auto os = identity.Find("OS");
       return os && os->Path().value_or("").ends_with(".aea");
     }},
    {false, "asks to be attested after the restore; this station declines, as other clients do",
     [](const Identity& identity) { return identity.Info()["RestoreAttestationMode"].Present(); }},
});

}  // namespace

std::span<const Place> Places() { return kPlaces; }
std::span<const Limit> Limits() { return kLimits; }

std::string SignerOf(const Component& component) {
  if (const ChipRow* chip = ChipOf(component)) return std::string(chip->signer);
  if (auto prefix = PrefixOf(component.Name()); !prefix.empty()) return prefix;
  const bool has_rules = component.Info()["RestoreRequestRules"].IsArray();
  return component.Trusted() || has_rules ? std::string(kApSigner) : "";
}

bool IsKnownSigner(std::string_view signer) {
  return signer == kApSigner || std::ranges::find(kChips, signer, &ChipRow::signer) != kChips.end();
}

std::string DigestKindOf(const Component& component) {
  const std::map<std::size_t, std::string_view> kinds = {
      {20, "SHA-1"}, {32, "SHA-256"}, {48, "SHA-384"}};
  const auto name = [&](std::size_t bytes) {
    const auto found = kinds.find(bytes);
    return found == kinds.end() ? std::to_string(bytes) + " bytes" : std::string(found->second);
  };
  if (const auto digest = component.Digest()) return name(digest->size());
  // Firmware of other chips is digested in pieces, each under a key of its own.
  std::map<std::size_t, int> pieces;
  component.Entry().ForEach([&](const std::string&, plist::View value) {
    if (const auto data = value.Data()) ++pieces[data->size()];
  });
  std::string text;
  for (const auto& [bytes, count] : pieces)
    text += (text.empty() ? "" : ", ") + name(bytes) + " x " + std::to_string(count);
  return text;
}

std::string ModesOf(const Component& component) {
  plist::Plist entry = plist::Plist::Dict();
  const plist::View rules = component.Info()["RestoreRequestRules"];
  const plist::Plist parameters = RetailParameters();
  ApplyRules(entry, rules, parameters.Get());
  if (!rules.IsArray()) return std::string(kUsualModes);  // what a client then sets by itself
  std::vector<std::string> modes;
  entry.Get().ForEach([&](const std::string& key, plist::View value) {
    modes.push_back(key + (value.Bool().value_or(false) ? "" : "=no"));
  });
  std::ranges::sort(modes);
  std::string text;
  for (const std::string& mode : modes) text += (text.empty() ? "" : " ") + mode;
  return text;
}

}  // namespace station::firmware
