#include "tests/rack/signer/peripheral.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "tests/rack/side/ticket.h"
#include "tests/rack/signer/baseband.h"

namespace rack {
namespace {

using Outcome = std::expected<void, SigningRefusal>;

constexpr int kNotEligible = 94;
constexpr int kInternal = 100;

enum class Kind { kNumber, kData, kFlag, kAny, kNumberOrText };

struct Need {
  const char* key;
  Kind kind;
};

constexpr Need kSe[] = {{"SE,ChipID", Kind::kNumber},
                        {"SE,ID", Kind::kData},
                        {"SE,Nonce", Kind::kData},
                        {"SE,RootKeyIdentifier", Kind::kData}};
constexpr Need kSavage[] = {{"Savage,UID", Kind::kData},
                            {"Savage,Nonce", Kind::kData},
                            {"Savage,PatchEpoch", Kind::kNumber},
                            {"Savage,ChipID", Kind::kNumber},
                            {"Savage,AllowOfflineBoot", Kind::kFlag},
                            {"Savage,ReadFWKey", Kind::kFlag},
                            {"Savage,ReadECKey", Kind::kFlag},
                            {"Savage,ProductionMode", Kind::kFlag}};
constexpr Need kYonkers[] = {{"Yonkers,AllowOfflineBoot", Kind::kFlag},
                             {"Yonkers,BoardID", Kind::kNumber},
                             {"Yonkers,ChipID", Kind::kNumber},
                             {"Yonkers,ECID", Kind::kAny},
                             {"Yonkers,Nonce", Kind::kData},
                             {"Yonkers,PatchEpoch", Kind::kNumber},
                             {"Yonkers,ProductionMode", Kind::kFlag},
                             {"Yonkers,ReadECKey", Kind::kFlag},
                             {"Yonkers,ReadFWKey", Kind::kFlag}};
constexpr Need kRose[] = {
    {"Rap,BoardID", Kind::kNumber},      {"Rap,ChipID", Kind::kNumber},
    {"Rap,ECID", Kind::kNumber},         {"Rap,Nonce", Kind::kData},
    {"Rap,ProductionMode", Kind::kFlag}, {"Rap,SecurityDomain", Kind::kNumber},
    {"Rap,SecurityMode", Kind::kFlag}};
constexpr Need kVeridian[] = {{"BMU,BoardID", Kind::kNumber},
                              {"BMU,ChipID", Kind::kNumber},
                              {"BMU,Nonce", Kind::kData},
                              {"BMU,ProductionMode", Kind::kFlag},
                              {"BMU,UniqueID", Kind::kNumber}};
constexpr Need kTcon[] = {{"Baobab,BoardID", Kind::kNumber},
                          {"Baobab,ChipID", Kind::kNumber},
                          {"Baobab,ECID", Kind::kData},
                          {"Baobab,Life", Kind::kNumber},
                          {"Baobab,ManifestEpoch", Kind::kNumber},
                          {"Baobab,ProductionMode", Kind::kFlag},
                          {"Baobab,SecurityDomain", Kind::kNumber},
                          {"Baobab,UpdateNonce", Kind::kData}};
// With the number of the retimer behind a comma.
constexpr Need kRetimer[] = {
    {"Timer,BoardID", Kind::kNumber},        {"Timer,ChipID", Kind::kNumber},
    {"Timer,ECID", Kind::kNumber},           {"Timer,Nonce", Kind::kData},
    {"Timer,SecurityDomain", Kind::kNumber}, {"Timer,SecurityMode", Kind::kFlag},
    {"Timer,ProductionMode", Kind::kAny}};
constexpr Need kVinyl[] = {{"eUICC,ChipID", Kind::kNumber},
                           {"eUICC,EID", Kind::kData},
                           {"eUICC,RootKeyIdentifier", Kind::kData}};
constexpr Need kCryptex1[] = {{"ApProductionMode", Kind::kFlag},
                              {"ApSecurityMode", Kind::kFlag},
                              {"Cryptex1,ChipID", Kind::kNumberOrText},
                              {"Cryptex1,UDID", Kind::kData},
                              {"Cryptex1,Nonce", Kind::kData}};

struct Rule {
  const char* updater;
  const char* ticket;  // asked for under this name with an @ before it
  const char* prefix;  // of what it binds
  std::span<const Need> needs;
  bool entry = true;  // at least one component of that prefix, with a digest
  bool sep = false;   // and the digest of the SEP firmware
};
constexpr Rule kRules[] = {
    {"SE", "SE,Ticket", "SE,", kSe},
    {"SE", "SE2,Ticket", "SE,", kSe},
    {"Savage", "Savage,Ticket", "Savage,", kSavage, true, true},
    {"Yonkers", "Yonkers,Ticket", "Yonkers,", kYonkers, true, true},
    {"Rose", "Rap,Ticket", "Rap,", kRose},
    {"T200", "BMU,Ticket", "BMU,", kVeridian},
    {"AppleTCON", "Baobab,Ticket", "Baobab,", kTcon},
    {"AppleTypeCRetimer", "Timer,Ticket", "Timer,", kRetimer},
    {"Vinyl", "eUICC,Ticket", "eUICC,", kVinyl},
    {"Cryptex1", "Cryptex1,Ticket", "Cryptex1,", kCryptex1},
    {"Centauri", "Wireless1,Ticket", "Wireless1,", {}},
    {"Cellular1", "Cellular1,Ticket", "Cellular1,", {}},
};
constexpr std::string_view kBaseband = "Baseband";

bool Fits(const Value& value, Kind kind) {
  switch (kind) {
    case Kind::kNumber:
      return value.AsNumber() != nullptr;
    case Kind::kData:
      return value.AsBytes() != nullptr && !value.AsBytes()->empty();
    case Kind::kFlag:
      return value.AsBool() != nullptr;
    case Kind::kNumberOrText:
      return value.AsNumber() != nullptr || value.AsText() != nullptr;
    case Kind::kAny:
      return true;
  }
  return false;
}

std::unexpected<SigningRefusal> Refuse(int status, std::string reason) {
  return std::unexpected(SigningRefusal{status, std::move(reason)});
}

bool Asks(const Value& flag) { return flag.AsBool() != nullptr && *flag.AsBool(); }

// The rule of "Timer,Ticket,2" is that of "Timer,Ticket"; its keys end in ",2" too.
struct Asked {
  std::string ticket;
  std::string suffix;
  const Rule* rule = nullptr;  // null: nobody knows this one
};

Asked Understand(std::string ticket) {
  for (const Rule& rule : kRules) {
    if (ticket == rule.ticket) return {std::move(ticket), "", &rule};
    if (ticket.starts_with(std::string(rule.ticket) + ","))
      return {ticket, ticket.substr(std::string_view(rule.ticket).size()), &rule};
  }
  return {std::move(ticket), "", nullptr};
}

std::string PrefixOf(const Asked& asked) {
  return asked.rule != nullptr ? asked.rule->prefix
                               : asked.ticket.substr(0, asked.ticket.find(',') + 1);
}

// A component in the request: a dictionary that holds a digest of some kind.
bool IsEntry(const Value& value) {
  return value.AsDict() != nullptr && std::ranges::any_of(*value.AsDict(), [](const auto& item) {
           return item.second.AsBytes() != nullptr;
         });
}

Outcome CheckNeeds(const Value& request, const Asked& asked) {
  for (const Need& need : asked.rule->needs) {
    const std::string key =
        need.key + (std::string_view(need.key).starts_with("Ap") ? "" : asked.suffix);
    const Value* value = request.Find(key);
    if (value == nullptr) return Refuse(kNotEligible, asked.ticket + " without " + key);
    if (!Fits(*value, need.kind)) return Refuse(kInternal, key + " is of the wrong type");
  }
  return {};
}

Outcome Check(const Value& request, const Asked& asked) {
  if (asked.rule == nullptr) return {};
  if (Outcome needs = CheckNeeds(request, asked); !needs) return needs;
  const std::string prefix = PrefixOf(asked);
  const bool entry = std::ranges::any_of(*request.AsDict(), [&](const auto& item) {
    return item.first.starts_with(prefix) && IsEntry(item.second);
  });
  if (asked.rule->entry && !asked.rule->needs.empty() && !entry)
    return Refuse(kNotEligible, asked.ticket + " for no firmware");
  const Value* sep = request.Find("SEP");
  if (asked.rule->sep && (sep == nullptr || sep->Data("Digest") == nullptr))
    return Refuse(kNotEligible, asked.ticket + " without the digest of SEP");
  return {};
}

Value Bound(const Value& request, const Asked& asked) {
  const std::string prefix = PrefixOf(asked);
  Value bound = Value::Dict{};
  for (const auto& [key, value] : *request.AsDict())
    if (key.starts_with(prefix) || key == "SEP") bound.Set(key, value);
  return bound;
}

}  // namespace

Outcome AddPeripheralTickets(const Value& request, const SigningKeys& keys,
                             std::string_view refused_updater, Value& answer) {
  const bool for_ap = request.Flag("@ApImg4Ticket");
  for (const auto& [key, flag] : *request.AsDict()) {
    if (!key.starts_with('@') || key.find(",Ticket") == std::string::npos || !Asks(flag)) continue;
    if (for_ap) return Refuse(kInternal, key + " together with @ApImg4Ticket");
    const Asked asked = Understand(key.substr(1));
    if (asked.rule != nullptr && asked.rule->updater == refused_updater)
      return Refuse(kNotEligible, "the refuse-updater fault is on");
    if (Outcome checked = Check(request, asked); !checked) return checked;
    answer.Set(asked.ticket, WriteSideTicket(keys, asked.ticket, Bound(request, asked)));
  }
  if (!AsksForBaseband(request)) return {};
  if (refused_updater == kBaseband) return Refuse(kNotEligible, "the refuse-updater fault is on");
  return AddBasebandTicket(request, keys, answer);
}

bool IsUpdaterName(std::string_view name) {
  return name == kBaseband ||
         std::ranges::any_of(kRules, [&](const Rule& rule) { return rule.updater == name; });
}

}  // namespace rack
