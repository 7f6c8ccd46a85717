#pragma once
// BasebandUpdaterOutputData: the one stream that comes from the phone. It is taken, so that the
// phone goes on, and thrown away: it names the subscriber's phone (restore-protocol 6.5).

#include "station/restore/data_requests.h"

namespace station::restore {

[[nodiscard]] Status TakeUpdaterOutput(const DataRequest& request, const ProviderContext& context,
                                       AnswerChannel& channel);

}  // namespace station::restore
