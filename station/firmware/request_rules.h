#pragma once
// RestoreRequestRules of a manifest entry: which of its keys a phone's modes change
// (restore-protocol 5.4).

#include "station/plist/plist.h"

namespace station::firmware {

// What rules ask about, as a retail phone answers. DemotionPolicy and ApInRomDFU are absent: rules
// about them never hold.
[[nodiscard]] plist::Plist RetailParameters();

// For each rule whose conditions all hold in `parameters`, in order: its boolean actions replace
// the entry's keys. A condition nobody knows, or whose parameter is absent, does not hold; the
// integer 255 as an action means "leave it".
void ApplyRules(plist::Plist& entry, plist::View rules, plist::View parameters);

}  // namespace station::firmware
