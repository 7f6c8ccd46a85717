#pragma once
// How an entry of a build manifest looks in a signing request (restore-protocol 5.3, 5.4): without
// Info, with what its RestoreRequestRules say for the phone at hand.

#include "station/plist/plist.h"

namespace station::signing {

// What rules ask about, as a retail phone answers: ApProductionMode, ApSecurityMode,
// ApSupportsImg4. DemotionPolicy and ApInRomDFU are absent, so every rule about them is false.
[[nodiscard]] plist::Plist RetailParameters();

// For each rule whose conditions all hold in `parameters`, in order: its boolean actions replace
// the entry's keys. A condition nobody knows, or whose parameter is absent, is false; the integer
// 255 as an action means "leave".
void ApplyRules(plist::Plist& entry, plist::View rules, plist::View parameters);

// The manifest entry without Info, rules applied; one that is Trusted and has no Digest gets an
// empty one.
[[nodiscard]] plist::Plist RequestEntry(plist::View manifest_entry, plist::View parameters);

// Sets every key of `from`, replacing.
void Merge(plist::Plist& into, plist::View from);

}  // namespace station::signing
