#include "tests/rack/restore/updaters.h"

#include <algorithm>
#include <array>

#include "station/base/ids.h"
#include "tests/rack/restore/updater_firmware.h"
#include "tests/rack/side/ticket.h"

namespace rack {
namespace {

constexpr int kTries = 3;
constexpr int kFirstThatGenerates = 16;  // iOS; from there a phone says itself what is to be signed
constexpr auto kAll = std::to_array<Updater>(
    {Updater::kSe, Updater::kSavage, Updater::kYonkers, Updater::kRose, Updater::kVeridian,
     Updater::kTcon, Updater::kRetimer, Updater::kVinyl, Updater::kCentauri, Updater::kCryptex1});
constexpr auto kKnownToOldHosts = std::to_array<Updater>(
    {Updater::kSe, Updater::kSavage, Updater::kYonkers, Updater::kRose, Updater::kVeridian});

BoardFacts Facts(const RestoreRun& run) {
  return run.boot.ramdisk ? FactsFor(*run.boot.ramdisk, run.phone.Spec().product) : BoardFacts();
}

bool KnownToOldHosts(Updater updater, const BoardFacts& facts) {
  if (updater == Updater::kRose && !facts.Names("Rap,RestoreRTKitOS"))
    return false;  // 1.0.0 gives up without that component
  return std::ranges::find(kKnownToOldHosts, updater) != kKnownToOldHosts.end();
}

bool Generates(const RestoreRun& run, Updater updater) {
  return run.Host().modern && (run.os >= kFirstThatGenerates || !BringsFirmware(updater));
}

// A component's manifest entry as it stands in a signing request.
Value RequestEntry(const Value& entry) {
  Value wanted = entry;
  const Value* info = entry.Find("Info");
  const bool rules = info != nullptr && info->Find("RestoreRequestRules") != nullptr;
  for (const char* key : {"Info", "DevelopmentCMAC", "DevelopmentUpdatePayloadHash"})
    wanted.Erase(key);
  if (rules) wanted.Set("EPRO", true).Set("ESEC", true);
  return wanted;
}

// The components of the chip that the host's manifest names, as far as they are for this one.
void AddComponents(const Peripheral& chip, const BoardFacts& facts, const Value& build_identity,
                   Value& request) {
  const Value* manifest = build_identity.Find("Manifest");
  if (manifest == nullptr || manifest->AsDict() == nullptr) return;
  const bool patched = chip.updater == Updater::kSavage || chip.updater == Updater::kYonkers;
  const std::string patch = patched ? PatchFor(chip.updater, facts) : "";
  for (const auto& [name, entry] : *manifest->AsDict()) {
    const bool mine = patched ? name == patch : name.starts_with(chip.prefix);
    if (mine && entry.AsDict() != nullptr) request.Set(name, RequestEntry(entry));
    if (patched && name == "SEP" && entry.Data("Digest") != nullptr)
      request.Set(name, Value::Dict{{"Digest", *entry.Data("Digest")}});
  }
}

void Merge(Value& into, const Value& from) {
  for (const auto& [key, value] : *from.AsDict()) into.Set(key, value);
}

Value GeneratedRequest(const Peripheral& chip, const BoardFacts& facts,
                       const Value& build_identity) {
  Value request = Value::Dict{{"@" + chip.ticket, true}};
  Merge(request, chip.identity);
  Merge(request, chip.nonces);
  AddComponents(chip, facts, build_identity, request);
  for (const auto& [nonce, component] :
       {std::pair("EUICCGoldNonce", "eUICC,Gold"), std::pair("EUICCMainNonce", "eUICC,Main")})
    if (const Bytes* bytes = chip.info.Data(nonce))
      if (Value* entry = request.Find(component)) entry->Set("Nonce", *bytes);
  return request;
}

Value GeneratedTags(const Peripheral& chip, const BoardFacts& facts) {
  Value::Array identity_tags;
  if (facts.tags.AsDict() != nullptr)
    for (const auto& [key, value] : *facts.tags.AsDict())
      if (key.starts_with(chip.prefix)) identity_tags.emplace_back(key);
  Value::Array response{Value(chip.ticket)};
  if (BringsFirmware(chip.updater)) response.emplace_back("FirmwareData");
  return Value::Dict{{"BuildIdentityTags", std::move(identity_tags)},
                     {"ResponseTags", std::move(response)}};
}

Value Arguments(const RestoreRun& run, const Peripheral& chip, const BoardFacts& facts, int round) {
  Value arguments = Value::Dict{{"MessageArgType", "FirmwareResponseData"},
                                {"MessageArgUpdaterName", Name(chip.updater)},
                                {"MessageArgInfo", chip.info},
                                {"MessageArgUpdaterLoopCount", round}};
  if (Generates(run, chip.updater)) {
    arguments.Set("DeviceGeneratedRequest", GeneratedRequest(chip, facts, run.build_identity));
    arguments.Set("DeviceGeneratedTags", GeneratedTags(chip, facts));
  }
  return arguments;
}

bool Same(const Value& one, const Value& other) { return one.ToBinary() == other.ToBinary(); }

// Ids may be left out: hosts send different ones, and the signer sees to those that matter.
StepResult CheckIdentity(const Peripheral& chip, const Value& bound) {
  for (const auto& [key, own] : *chip.identity.AsDict())
    if (const Value* named = bound.Find(key); named != nullptr && !Same(*named, own))
      return Refused(Reason::kUpdaterIdentity, chip.ticket + " has another " + key);
  return {};
}

StepResult CheckNonces(const Peripheral& chip, const Value& bound) {
  for (const auto& [key, own] : *chip.nonces.AsDict())
    if (const Value* named = bound.Find(key); named == nullptr || !Same(*named, own))
      return Refused(Reason::kUpdaterNonce, chip.ticket + " has another " + key);
  return {};
}

StepResult CheckVinylNonces(const Peripheral& chip, const Value& bound) {
  for (const auto& [nonce, component] :
       {std::pair("EUICCGoldNonce", "eUICC,Gold"), std::pair("EUICCMainNonce", "eUICC,Main")}) {
    const Value* entry = bound.Find(component);
    if (entry == nullptr) continue;
    const Bytes* given = entry->Data("Nonce");
    if (given == nullptr || *given != *chip.info.Data(nonce))
      return Refused(Reason::kUpdaterNonce, std::string(component) + " has another nonce");
  }
  return {};
}

// Savage and Yonkers work for one SEP firmware only: the one this phone was booted with.
StepResult CheckSep(const RestoreRun& run, const Value& bound) {
  const auto sep = run.ticket.components.find("sepi");
  const Value* named = bound.Find("SEP");
  if (named == nullptr || sep == run.ticket.components.end()) return {};
  const Bytes* digest = named->Data("Digest");
  if (digest == nullptr || sep->second.Octets("DGST") != *digest)
    return Refused(Reason::kUpdaterFirmware, "the ticket is for another SEP firmware");
  return {};
}

std::expected<Value, Refusal> CheckTicket(const RestoreRun& run, const Peripheral& chip,
                                          const Value& response) {
  const Bytes* ticket = response.Data(chip.ticket);
  if (ticket == nullptr) return Refused(Reason::kUpdaterTicket, "no " + chip.ticket);
  auto bound = ReadSideTicket(run.phone.Root(), *ticket, chip.ticket);
  if (!bound) return bound;
  for (const StepResult& checked :
       {CheckIdentity(chip, *bound), CheckNonces(chip, *bound), CheckSep(run, *bound),
        chip.updater == Updater::kVinyl ? CheckVinylNonces(chip, *bound) : StepResult()})
    if (!checked) return std::unexpected(checked.error());
  return bound;
}

std::expected<Written, Refusal> Ask(RestoreRun& run, const Peripheral& chip,
                                    const BoardFacts& facts, int round) {
  const auto answer =
      run.dialogue.Request("FirmwareUpdaterData", Arguments(run, chip, facts, round));
  if (!answer) return std::unexpected(answer.error());
  const Value* response = answer->Find("FirmwareResponseData");
  if (response == nullptr || response->AsDict() == nullptr)
    return Refused(Reason::kUpdaterAnswer, "no FirmwareResponseData");
  const auto bound = CheckTicket(run, chip, *response);
  if (!bound) return std::unexpected(bound.error());
  return CheckFirmware(chip, facts, *bound, *response);
}

void Write(Phone& phone, const Written& written) {
  phone.ChangeAndSave([&](PhoneState& state) {
    for (const auto& [component, digest] : written)
      state.firmware[component] = station::ToHex(digest);
  });
}

// Whether another round is due: the chip was not satisfied, or the updater-loop fault wants one.
bool AsksAgain(RestoreRun& run, const std::expected<Written, Refusal>& written,
               const Peripheral& chip, int round) {
  if (written) return run.phone.TakeUpdaterLoop(Name(chip.updater));
  const Reason reason = written.error().reason;
  return round < kTries && reason >= Reason::kUpdaterTicket && reason <= Reason::kUpdaterFirmware;
}

}  // namespace

bool UpdaterAsked(const RestoreRun& run, Updater updater) {
  if (!run.phone.Spec().updaters) return false;
  const BoardFacts facts = Facts(run);
  if (!run.Host().modern && !KnownToOldHosts(updater, facts)) return false;
  return !PeripheralsFor(updater, run.phone.Spec(), facts).empty();
}

StepResult RunUpdater(RestoreRun& run, Updater updater) {
  const BoardFacts facts = Facts(run);
  const std::size_t count = PeripheralsFor(updater, run.phone.Spec(), facts).size();
  for (std::size_t i = 0; i < count; ++i) {
    for (int round = 1;; ++round) {
      // Described anew each time: nonces serve once.
      const Peripheral chip = PeripheralsFor(updater, run.phone.Spec(), facts)[i];
      const auto written = Ask(run, chip, facts, round);
      if (AsksAgain(run, written, chip, round)) continue;
      if (!written) return std::unexpected(written.error());
      Write(run.phone, *written);
      break;
    }
  }
  return {};
}

bool PreflightAsked(const RestoreRun& run) {
  return run.Host().modern &&
         std::ranges::any_of(kAll, [&](Updater updater) { return UpdaterAsked(run, updater); });
}

StepResult AskPreflight(RestoreRun& run) {
  const auto answer = run.dialogue.Request("FirmwareUpdaterPreflight");
  if (!answer) return std::unexpected(answer.error());
  if (!run.Host().Answers("BuildIdentityDict")) return {};
  auto identity = run.dialogue.Request("BuildIdentityDict",
                                       Value::Dict{{"Variant", run.Erases() ? "Erase" : "Update"}});
  if (!identity) return std::unexpected(identity.error());
  if (const Value* dict = identity->Find("BuildIdentityDict")) run.build_identity = *dict;
  return {};
}

}  // namespace rack
