#pragma once
// Boot objects: files of the firmware in pieces of 8192 bytes, each a message, never whole in
// memory (restore-protocol 6.7, "Chunking").

#include "station/restore/data_requests.h"

namespace station::restore {

[[nodiscard]] Status ProvidePersonalisedBootObject(const DataRequest& request,
                                                   const ProviderContext& context,
                                                   AnswerChannel& channel);
[[nodiscard]] Status ProvideSourceBootObject(const DataRequest& request,
                                             const ProviderContext& context,
                                             AnswerChannel& channel);
// One member of the firmware as it is, in the same pieces.
[[nodiscard]] Status SendMember(const std::string& member, const ProviderContext& context,
                                AnswerChannel& channel);

}  // namespace station::restore
