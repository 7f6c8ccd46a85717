#pragma once
// Firmware the phone asks for by a flag of the manifest: a list of names, one, or all
// (restore-protocol 6.7).

#include "station/restore/data_requests.h"

namespace station::restore {

[[nodiscard]] Status ProvideFudData(const DataRequest& request, const ProviderContext& context,
                                    AnswerChannel& channel);
[[nodiscard]] Status ProvideEanData(const DataRequest& request, const ProviderContext& context,
                                    AnswerChannel& channel);
[[nodiscard]] Status ProvidePersonalizedData(const DataRequest& request,
                                             const ProviderContext& context,
                                             AnswerChannel& channel);

}  // namespace station::restore
