#pragma once
// URLAsset and StreamedImageDecryptionKey: what a phone fetches through this host
// (restore-protocol 6.7).

#include "station/restore/data_requests.h"

namespace station::restore {

[[nodiscard]] Status ProvideUrlAsset(const DataRequest& request, const ProviderContext& context,
                                     AnswerChannel& channel);
[[nodiscard]] Status ProvideDecryptionKey(const DataRequest& request,
                                          const ProviderContext& context, AnswerChannel& channel);

}  // namespace station::restore
