#pragma once
// How an entry of a build manifest looks in a signing request (restore-protocol 5.3): without Info,
// with what its RestoreRequestRules (firmware/request_rules.h) say for the phone at hand.

#include "station/plist/plist.h"

namespace station::signing {

// The manifest entry without Info, rules applied; one that is Trusted and has no Digest gets an
// empty one.
[[nodiscard]] plist::Plist RequestEntry(plist::View manifest_entry, plist::View parameters);

// Sets every key of `from`, replacing.
void Merge(plist::Plist& into, plist::View from);

}  // namespace station::signing
