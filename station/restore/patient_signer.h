#pragma once
// Signing in the middle of a restore: the phone cannot start anything until it is restored, and it
// waits. So a signing server that is out of reach for a moment is asked again for longer than
// before a restore.

#include "station/base/log.h"
#include "station/restore/data_requests.h"

namespace station::restore {

// As the setup's `ask`, which tries some seconds by itself; here up to kRounds times of that,
// kRoundPause apart.
[[nodiscard]] inline Result<plist::Plist> AskPatiently(const plist::Plist& request,
                                                       const ProviderContext& context) {
  constexpr int kRounds = 6;
  constexpr std::chrono::milliseconds kRoundPause{10000};
  for (int round = 1;; ++round) {
    auto answer = context.setup.ask(plist::Plist::Copy(request.Get()));
    if (answer) return answer;
    const ErrorCode code = answer.error().code;
    const bool may_pass = code == ErrorCode::kSigningUnreachable || code == ErrorCode::kSigningBusy;
    if (!may_pass || round == kRounds) return answer;
    LogError(LogLevel::kWarning, "signing server out of reach while the phone waits",
             answer.error());
    STATION_CHECK(context.control.Pause(kRoundPause));
  }
}

}  // namespace station::restore
