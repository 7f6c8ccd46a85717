#pragma once
// BasebandData: the baseband's firmware signed for this chip, in two or three rounds
// (restore-protocol 6.7).

#include "station/restore/data_requests.h"

namespace station::restore {

[[nodiscard]] Status ProvideBasebandData(const DataRequest& request, const ProviderContext& context,
                                         AnswerChannel& channel);

}  // namespace station::restore
