#include "station/signing/peripheral_request.h"

#include <algorithm>
#include <array>
#include <optional>

#include "station/signing/peripheral_chips.h"
#include "station/firmware/request_rules.h"
#include "station/signing/request_rules.h"

namespace station::signing {
namespace {

using plist::Plist;
using plist::View;

// Parameters the rules see: a retail phone, and what the phone itself says.
Plist RuleParameters(const Chip& chip, const PeripheralInput& input) {
  Plist parameters = chip.retail_rules ? firmware::RetailParameters() : Plist::Dict();
  if (!chip.generated_only || !input.generated.IsDict()) Merge(parameters, input.info);
  Merge(parameters, input.info["APInfo"]);  // where retimers have it
  return parameters;
}

void RemoveOtherFuse(Plist& entry, bool development) {
  const std::string other = development ? "Production" : "Development";
  entry.Remove(other + "CMAC");
  entry.Remove(other + "UpdatePayloadHash");
}

void AddEntries(const Chip& chip, const PeripheralInput& input, Plist& request) {
  if (chip.entries == Entries::kNone) return;
  const Plist parameters = RuleParameters(chip, input);
  for (const firmware::Component& component : input.identity.Components()) {
    if (!component.Name().starts_with(chip.prefix)) continue;
    Plist entry;
    if (chip.entries == Entries::kByRules) {
      entry = RequestEntry(component.Entry(), parameters.Get());
    } else {
      entry = Plist::Copy(component.Entry());
      entry.Remove("Info");
      if (chip.entries == Entries::kForOneFuse) {
        RemoveOtherFuse(entry, BoolOf(input.info["SE,IsDev"]).value_or(false));
      } else {
        entry.Set("EPRO", Plist::Bool(BoolOf(input.info["Baobab,ProductionMode"]).value_or(false)));
      }
    }
    request.Set(component.Name(), std::move(entry));
  }
}

// The ticket the phone says it waits for; "FirmwareData" in the same list is no ticket.
std::optional<std::string> TicketTag(View tags) {
  const View list = tags["ResponseTags"];
  for (std::size_t i = 0; i < list.Size(); ++i)
    if (auto tag = list.At(i).String(); tag && *tag != "FirmwareData") return tag;
  return std::nullopt;
}

std::vector<std::string> TicketsOf(const Plist& request, View tags) {
  std::vector<std::string> tickets;
  if (auto tag = TicketTag(tags)) tickets.push_back(std::move(*tag));
  request.Get().ForEach([&](const std::string& key, View value) {
    if (!key.starts_with("@") || key == "@BBTicket" || !value.Bool().value_or(false)) return;
    if (key.find("Ticket") != std::string::npos) tickets.push_back(key.substr(1));
  });
  return tickets;
}

// Keys of the identity the phone asks to have added.
void AddBuildIdentityTags(Plist& request, const PeripheralInput& input) {
  const View names = input.tags["BuildIdentityTags"];
  for (std::size_t i = 0; i < names.Size(); ++i) {
    const auto name = names.At(i).String();
    if (!name) continue;
    if (auto value = Converted(input.identity.Node()[*name], Kind::kAny))
      request.Set(*name, std::move(*value));
  }
}

Result<PeripheralRequest> BuildGeneric(const std::string& updater, const PeripheralInput& input) {
  if (!input.generated.IsDict())
    return Fail(ErrorCode::kUpdaterUnsupported,
                "the phone generated no request for its updater " + updater.substr(0, 64));
  PeripheralRequest out{Plist::Dict(), "generic", {}, {}};
  AddBuildIdentityTags(out.request, input);
  Merge(out.request, input.generated);
  out.tickets = TicketsOf(out.request, input.tags);
  if (out.tickets.empty())
    return Fail(ErrorCode::kRestoreDialogue, "the phone does not say which ticket its updater " +
                                                 updater.substr(0, 64) + " waits for");
  return out;
}

constexpr auto kCryptexCommon = std::to_array<Field>({
    {"ApECID", Kind::kNumber},
    {"UniqueBuildID", Kind::kData},
    {"ApChipID", Kind::kNumber},
    {"ApBoardID", Kind::kNumber},
    {"ApSecurityDomain", Kind::kNumber},
    {"ApSecurityMode", Kind::kBool},
    {"ApProductionMode", Kind::kBool},
});
constexpr auto kLocalPolicy = std::to_array<Field>({
    {"Ap,LocalBoot", Kind::kBool, Need::kRequired},
    {"Ap,LocalPolicy", Kind::kAny, Need::kRequired},
    {"Ap,NextStageIM4MHash", Kind::kData, Need::kRequired},
    {"Ap,RecoveryOSPolicyNonceHash", Kind::kData},
    {"Ap,VolumeUUID", Kind::kData},
    {"ApNonce", Kind::kData},
    {"Ap,NextStageCryptex1IM4MHash", Kind::kData},
});

Status RequireFields(const Plist& request, std::span<const Field> fields,
                     const std::string& updater) {
  for (const Field& field : fields)
    if (field.need == Need::kRequired && !request[field.key].Present())
      return Fail(ErrorCode::kRestoreDialogue, updater + " without " + field.key);
  return {};
}

// What the phone says, what it wants of the identity, and what it generated, in this order; then
// only what belongs in.
Result<PeripheralRequest> BuildCryptex(const std::string& updater, const PeripheralInput& input) {
  if (!input.generated.IsDict())
    return Fail(ErrorCode::kRestoreDialogue, updater + " without DeviceGeneratedRequest");
  Plist parameters = Plist::Dict();
  Merge(parameters, input.info);
  AddBuildIdentityTags(parameters, input);
  for (const char* key : {"ApProductionMode", "ApSecurityMode"})
    if (!parameters[key].Present()) parameters.Set(key, Plist::Bool(true));
  for (const char* key : {"ApChipID", "ApBoardID"})
    if (auto value = Converted(input.identity.Node()[key], Kind::kNumber);
        value && !parameters[key].Present())
      parameters.Set(key, std::move(*value));
  Merge(parameters, input.generated);

  PeripheralRequest out{Plist::Dict(), updater, {}, {}};
  CopyFields(out.request, kCryptexCommon, parameters.Get(), View());
  if (parameters["Ap,LocalPolicy"].Present()) {
    out.request.Set("@ApImg4Ticket", Plist::Bool(true));
    CopyFields(out.request, kLocalPolicy, parameters.Get(), View());
    STATION_CHECK(RequireFields(out.request, kLocalPolicy, updater));
  } else {
    out.request.Set("@Cryptex1,Ticket", Plist::Bool(true));
    parameters.Get().ForEach([&](const std::string& key, View value) {
      if (key.starts_with("Cryptex1")) out.request.Set(key, Plist::Copy(value));
    });
  }
  out.tickets = TicketsOf(out.request, input.tags);
  return out;
}

void CopyPrefixed(const Chip& chip, const PeripheralInput& input, Plist& request) {
  const auto copy = [&](const std::string& key, View value) {
    if (!key.starts_with(chip.prefix)) return;
    if (auto converted = Converted(value, Kind::kAny)) request.Set(key, std::move(*converted));
  };
  input.identity.Node().ForEach(copy);
  input.info.ForEach(copy);
}

Result<PeripheralRequest> BuildByTable(const Chip& chip, const PeripheralInput& input) {
  PeripheralRequest out{Plist::Dict(), std::string(chip.name), {}, {}};
  out.request.Set("@BBTicket", Plist::Bool(true));
  if (chip.flag != nullptr) out.request.Set(chip.flag, Plist::Bool(true));
  const bool without_info = chip.generated_only && input.generated.IsDict();
  if (without_info) Merge(out.request, input.generated);
  if (chip.copy_prefixed) CopyPrefixed(chip, input, out.request);
  CopyFields(out.request, chip.fields, without_info ? View() : input.info, input.identity.Node());
  AddEntries(chip, input, out.request);
  if (chip.choose != nullptr) STATION_CHECK(chip.choose(input, out));
  if (!without_info) Merge(out.request, input.generated);
  if (chip.finish != nullptr) STATION_CHECK(chip.finish(input, out));
  STATION_CHECK(RequireFields(out.request, chip.fields, std::string(chip.name)));
  out.tickets = TicketsOf(out.request, input.tags);
  return out;
}

// The Savage updater serves three chips, told apart by what the phone says.
struct Resolved {
  std::string chip;
  View info;
};
Resolved Resolve(const std::string& updater, View info) {
  if (updater != "Savage") return {updater, info};
  if (info["YonkersDeviceInfo"].IsDict()) return {"Yonkers", info["YonkersDeviceInfo"]};
  if (info["JasmineIR1DeviceInfo"].IsDict()) return {"Jasmine", info["JasmineIR1DeviceInfo"]};
  return {updater, info};
}

}  // namespace

Result<PeripheralRequest> BuildPeripheralRequest(const std::string& updater,
                                                 const PeripheralInput& asked) {
  const Resolved resolved = Resolve(updater, asked.info);
  const PeripheralInput input{asked.identity, resolved.info, asked.generated, asked.tags};
  if (updater == "Cryptex1" || updater == "Cryptex1LocalPolicy")
    return BuildCryptex(updater, input);
  const auto chips = Chips();
  const auto chip = std::ranges::find(chips, resolved.chip, &Chip::name);
  if (chip == chips.end() || (chip->generic_where_generated && input.generated.IsDict()))
    return BuildGeneric(updater, input);
  return BuildByTable(*chip, input);
}

Status CheckPeripheralAnswer(View answer, const PeripheralRequest& asked) {
  for (const std::string& ticket : asked.tickets)
    if (answer[ticket].IsData()) return {};
  return Fail(ErrorCode::kSigningBadAnswer,
              "the answer holds no " +
                  (asked.tickets.empty() ? std::string("ticket") : asked.tickets.front()));
}

}  // namespace station::signing
