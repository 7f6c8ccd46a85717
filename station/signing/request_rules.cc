#include "station/signing/request_rules.h"

#include "station/firmware/request_rules.h"

namespace station::signing {

using plist::Plist;
using plist::View;

Plist RequestEntry(View manifest_entry, View parameters) {
  Plist entry = Plist::Copy(manifest_entry);
  entry.Remove("Info");
  firmware::ApplyRules(entry, manifest_entry["Info"]["RestoreRequestRules"], parameters);
  if (manifest_entry["Trusted"].Bool().value_or(false) && !manifest_entry["Digest"].Present())
    entry.Set("Digest", Plist::Data({}));
  return entry;
}

void Merge(Plist& into, View from) {
  from.ForEach([&](const std::string& key, View value) { into.Set(key, Plist::Copy(value)); });
}

}  // namespace station::signing
