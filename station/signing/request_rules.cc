#include "station/signing/request_rules.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace station::signing {
namespace {

using plist::Plist;
using plist::View;

// What a condition asks about, by the name the parameter goes by (5.4).
constexpr std::array<std::pair<std::string_view, const char*>, 6> kConditions{{
    {"ApRawProductionMode", "ApProductionMode"},
    {"ApCurrentProductionMode", "ApProductionMode"},
    {"ApRawSecurityMode", "ApSecurityMode"},
    {"ApRequiresImage4", "ApSupportsImg4"},
    {"ApDemotionPolicyOverride", "DemotionPolicy"},
    {"ApInRomDFU", "ApInRomDFU"},
}};

bool SameValue(View a, View b) {
  if (const auto wanted = a.Bool()) return wanted == b.Bool();
  if (const auto wanted = a.Integer()) return wanted == b.Integer();
  if (const auto wanted = a.String()) return wanted == b.String();
  return false;
}

bool Holds(const std::string& condition, View wanted, View parameters) {
  const auto* row =
      std::ranges::find(kConditions, condition, &std::pair<std::string_view, const char*>::first);
  return row != kConditions.end() && SameValue(wanted, parameters[row->second]);
}

bool AllHold(View conditions, View parameters) {
  bool hold = true;
  conditions.ForEach([&](const std::string& condition, View wanted) {
    hold = hold && Holds(condition, wanted, parameters);
  });
  return hold;
}

}  // namespace

Plist RetailParameters() {
  Plist parameters = Plist::Dict();
  for (const char* key : {"ApProductionMode", "ApSecurityMode", "ApSupportsImg4"})
    parameters.Set(key, Plist::Bool(true));
  return parameters;
}

void ApplyRules(Plist& entry, View rules, View parameters) {
  if (!rules.IsArray()) return;
  for (std::size_t i = 0; i < rules.Size(); ++i) {
    if (!AllHold(rules.At(i)["Conditions"], parameters)) continue;
    rules.At(i)["Actions"].ForEach([&](const std::string& key, View action) {
      if (const auto value = action.Bool()) entry.Set(key, Plist::Bool(*value));
    });
  }
}

Plist RequestEntry(View manifest_entry, View parameters) {
  Plist entry = Plist::Copy(manifest_entry);
  entry.Remove("Info");
  ApplyRules(entry, manifest_entry["Info"]["RestoreRequestRules"], parameters);
  if (manifest_entry["Trusted"].Bool().value_or(false) && !manifest_entry["Digest"].Present())
    entry.Set("Digest", Plist::Data({}));
  return entry;
}

void Merge(Plist& into, View from) {
  from.ForEach([&](const std::string& key, View value) { into.Set(key, Plist::Copy(value)); });
}

}  // namespace station::signing
