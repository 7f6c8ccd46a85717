#pragma once
// NORData: the boot chain that goes to the phone's flash (restore-protocol 6.7, "NORData").

#include "station/base/result.h"
#include "station/plist/plist.h"
#include "station/restore/component_source.h"

namespace station::restore {

// `by_name`: the phone wants NorImageData as a dictionary (FlashVersion1), else an array with iBoot
// first.
[[nodiscard]] Result<plist::Plist> BuildNorData(const ComponentSource& components, bool by_name);

}  // namespace station::restore
