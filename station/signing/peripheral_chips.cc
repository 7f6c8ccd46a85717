#include "station/signing/peripheral_chips.h"

#include <array>
#include <string>
#include <utility>

namespace station::signing {
namespace {

using plist::Plist;
using plist::View;
using enum Kind;
using enum Need;

constexpr auto kSecureElement = std::to_array<Field>({
    {"SE,ChipID", kNumber, kRequired},
    {"SE,ID", kData, kRequired},
    {"SE,Nonce", kData, kRequired},
    {"SE,RootKeyIdentifier", kData, kRequired},
});
constexpr auto kSavage = std::to_array<Field>({
    {"Savage,UID", kData, kRequired},
    {"Savage,PatchEpoch", kNumber, kRequired},
    {"Savage,ChipID", kNumber, kRequired},
    {"Savage,AllowOfflineBoot", kBool, kRequired},
    {"Savage,ReadFWKey", kBool, kRequired},
    {"Savage,ProductionMode", kBool, kRequired},
    {"Savage,Nonce", kData, kRequired},
    {"Savage,ReadECKey", kBool, kRequired},
});
constexpr auto kYonkers = std::to_array<Field>({
    {"Yonkers,AllowOfflineBoot", kAny},
    {"Yonkers,BoardID", kAny},
    {"Yonkers,ChipID", kAny},
    {"Yonkers,ECID", kAny, kRequired},
    {"Yonkers,Nonce", kAny, kRequired},
    {"Yonkers,PatchEpoch", kAny},
    {"Yonkers,ProductionMode", kAny, kRequired},
    {"Yonkers,ReadECKey", kAny},
    {"Yonkers,ReadFWKey", kAny},
});
constexpr auto kRose = std::to_array<Field>({
    {"Rap,BoardID", kNumber},
    {"Rap,ChipID", kNumber},
    {"Rap,ECID", kNumber},
    {"Rap,Nonce", kData},
    {"Rap,ProductionMode", kBool},
    {"Rap,SecurityDomain", kNumber},
    {"Rap,SecurityMode", kBool},
    {"Rap,FdrRootCaDigest", kData},
});
constexpr auto kVeridian = std::to_array<Field>({
    {"BMU,BoardID", kNumber},
    {"BMU,ChipID", kNumber, kOptional, "ChipID"},
    {"BMU,Nonce", kData, kOptional, "Nonce"},
    {"BMU,ProductionMode", kBool, kOptional, "ProductionMode"},
    {"BMU,UniqueID", kNumber, kOptional, "UniqueID"},
});
constexpr auto kTcon = std::to_array<Field>({
    {"Baobab,BoardID", kNumber},
    {"Baobab,ChipID", kNumber},
    {"Baobab,ECID", kData},
    {"Baobab,Life", kNumber},
    {"Baobab,ManifestEpoch", kNumber},
    {"Baobab,ProductionMode", kBool},
    {"Baobab,SecurityDomain", kNumber},
    {"Baobab,UpdateNonce", kData},
});
constexpr auto kEmbeddedSim = std::to_array<Field>({
    {"eUICC,ApProductionMode", kBool, kOptional, "ApProductionMode"},
    {"eUICC,ChipID", kNumber, kRequired},
    {"eUICC,EID", kData, kRequired},
    {"eUICC,RootKeyIdentifier", kData},
});

Status AddSepDigest(const PeripheralInput& input, Plist& request) {
  const View digest = input.identity.Node()["Manifest"]["SEP"]["Digest"];
  if (!digest.IsData())
    return Fail(ErrorCode::kFirmwareMemberMissing, "the manifest gives no digest of SEP");
  Plist sep = Plist::Dict();
  sep.Set("Digest", Plist::Copy(digest));
  request.Set("SEP", std::move(sep));
  return {};
}

Status AddChosenEntry(const PeripheralInput& input, const std::string& component,
                      PeripheralRequest& out) {
  STATION_TRY(entry, input.identity.Find(component));
  Plist chosen = Plist::Copy(entry.Entry());
  chosen.Remove("Info");
  out.request.Set(component, std::move(chosen));
  out.component = component;
  return {};
}

// High nibble of the revision's first byte: 2 and 3 are B2, A is BA, anything else B0.
std::string SavagePatch(View revision, bool production) {
  const auto bytes = revision.Data();
  const unsigned nibble = bytes && !bytes->empty() ? (*bytes)[0] >> 4U : 0;
  const char* step = nibble == 2 || nibble == 3 ? "B2" : nibble == 0xA ? "BA" : "B0";
  return std::string("Savage,") + step + (production ? "-Prod-Patch" : "-Dev-Patch");
}

Status ChooseSavage(const PeripheralInput& input, PeripheralRequest& out) {
  STATION_CHECK(AddSepDigest(input, out.request));
  View revision = input.info["Savage,Revision"];
  if (!revision.Present()) revision = input.generated["Savage,Revision"];
  View mode = input.info["Savage,ProductionMode"];
  if (!mode.Present()) mode = input.generated["Savage,ProductionMode"];
  return AddChosenEntry(input, SavagePatch(revision, BoolOf(mode).value_or(false)), out);
}

// The first entry whose EPRO and FabRevision, where it states them, are the chip's.
Status ChooseYonkers(const PeripheralInput& input, PeripheralRequest& out) {
  STATION_CHECK(AddSepDigest(input, out.request));
  const bool production = BoolOf(input.info["Yonkers,ProductionMode"]).value_or(false);
  const std::uint64_t revision = NumberOf(input.info["Yonkers,FabRevision"]).value_or(0);
  for (const firmware::Component& component : input.identity.Components()) {
    if (!component.Name().starts_with("Yonkers,")) continue;
    const auto epro = component.Entry()["EPRO"].Bool();
    const auto fab = component.Entry()["FabRevision"].Integer();
    if ((!epro || epro == production) && (!fab || fab == revision))
      return AddChosenEntry(input, component.Name(), out);
  }
  return Fail(ErrorCode::kFirmwareMemberMissing,
              "no Yonkers firmware for revision " + std::to_string(revision) +
                  (production ? " (production)" : " (development)"));
}

Status FinishSecureElement(const PeripheralInput&, PeripheralRequest& out) {
  if (!out.request["@SE2,Ticket"].Present() && !out.request["@SE,Ticket"].Present())
    out.request.Set("@SE,Ticket", Plist::Bool(true));
  return {};
}

Status FinishEmbeddedSim(const PeripheralInput& input, PeripheralRequest& out) {
  constexpr std::array<std::pair<const char*, const char*>, 2> kParts{
      {{"eUICC,Gold", "EUICCGoldNonce"}, {"eUICC,Main", "EUICCMainNonce"}}};
  for (const auto& [part, nonce] : kParts) {
    const View digest = input.identity.Node()["Manifest"][part]["Digest"];
    if (!digest.IsData() || out.request[part].Present()) continue;
    Plist entry = Plist::Dict();
    entry.Set("Digest", Plist::Copy(digest));
    if (input.info[nonce].Present()) entry.Set("Nonce", Plist::Copy(input.info[nonce]));
    out.request.Set(part, std::move(entry));
  }
  return {};
}

// USB-C retimers come numbered; the number is part of every key, the ticket's name comes from the
// phone.
Status FinishRetimer(const PeripheralInput& input, PeripheralRequest& out) {
  const View first = input.info["InfoArray"].At(0);
  const View hardware = first["HardwareID"];
  const auto ticket = first["TicketName"].String();
  if (!hardware.IsDict() || !ticket || ticket->empty())
    return Fail(ErrorCode::kRestoreDialogue, "AppleTypeCRetimer without HardwareID or TicketName");
  const std::string suffix = "," + std::to_string(NumberOf(first["TagNumber"]).value_or(0));
  constexpr auto kKeys = std::to_array<std::pair<Field, const char*>>({
      {{"Timer,BoardID", kNumber}, "BoardID"},
      {{"Timer,ChipID", kNumber}, "ChipID"},
      {{"Timer,SecurityDomain", kNumber}, "SecurityDomain"},
      {{"Timer,SecurityMode", kBool}, "SecurityMode"},
      {{"Timer,ProductionMode", kBool}, "ProductionStatus"},
      {{"Timer,ECID", kNumber}, "ECID"},
      {{"Timer,Nonce", kData}, "Nonce"},
  });
  for (const auto& [field, source] : kKeys) {
    const std::string key = field.key + suffix;
    if (out.request[key].Present()) continue;  // generated by the phone
    View value = hardware[source];
    if (!value.Present()) value = input.identity.Node()[key];
    if (auto converted = Converted(value, field.kind)) out.request.Set(key, std::move(*converted));
  }
  out.request.Set("@" + *ticket, Plist::Bool(true));
  return {};
}

constexpr auto kChips = std::to_array<Chip>({
    {.name = "SE",
     .fields = kSecureElement,
     .prefix = "SE,",
     .entries = Entries::kForOneFuse,
     .finish = &FinishSecureElement},
    {.name = "Savage", .flag = "@Savage,Ticket", .fields = kSavage, .choose = &ChooseSavage},
    {.name = "Yonkers", .flag = "@Yonkers,Ticket", .fields = kYonkers, .choose = &ChooseYonkers},
    {.name = "Rose",
     .flag = "@Rap,Ticket",
     .fields = kRose,
     .prefix = "Rap,",
     .entries = Entries::kByRules,
     .retail_rules = true,
     .generated_only = true},
    {.name = "T200",
     .flag = "@BMU,Ticket",
     .fields = kVeridian,
     .prefix = "BMU,",
     .entries = Entries::kByRules},
    {.name = "AppleTCON",
     .flag = "@Baobab,Ticket",
     .fields = kTcon,
     .prefix = "Baobab,",
     .entries = Entries::kProductionMarked},
    {.name = "AppleTypeCRetimer",
     .prefix = "Timer,",
     .entries = Entries::kByRules,
     .retail_rules = true,
     .finish = &FinishRetimer},
    {.name = "Vinyl",
     .flag = "@eUICC,Ticket",
     .fields = kEmbeddedSim,
     .generic_where_generated = true,
     .finish = &FinishEmbeddedSim},
    {.name = "Centauri",
     .flag = "@Wireless1,Ticket",
     .prefix = "Wireless1,",
     .entries = Entries::kByRules,
     .retail_rules = true,
     .copy_prefixed = true,
     .generic_where_generated = true},
    {.name = "Cellular1",
     .flag = "@Cellular1,Ticket",
     .prefix = "Cellular1,",
     .entries = Entries::kByRules,
     .retail_rules = true,
     .copy_prefixed = true,
     .generic_where_generated = true},
});

}  // namespace

std::span<const Chip> Chips() { return kChips; }

}  // namespace station::signing
