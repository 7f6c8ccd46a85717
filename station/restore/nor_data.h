#pragma once
// NORData: the boot chain that goes to the phone's flash (restore-protocol 6.7, "NORData").

#include "station/base/result.h"
#include "station/restore/component_source.h"
#include "station/restore/streamed_list.h"

namespace station::restore {

// `by_name`: the phone wants NorImageData as a dictionary (FlashVersion1), else an array with iBoot
// first.
[[nodiscard]] Status AddNorData(const ComponentSource& components, bool by_name,
                                StreamedList& answer);

}  // namespace station::restore
