#include "station/worker/last_word.h"

#include "station/base/log.h"

namespace station::worker {
namespace {
constexpr std::chrono::seconds kPatience{120};
}

v1::Finished LastWord::Describe(const Status& result) const {
  v1::Finished finished;
  finished.set_step(static_cast<std::uint32_t>(reporter_.CurrentStep()));
  if (result) return finished;
  finished.set_error_code(static_cast<std::uint32_t>(result.error().code));
  finished.set_context(result.error().context.substr(0, 2000));
  return finished;
}

bool LastWord::Say(v1::Finished finished) {
  if (said_.exchange(true)) return false;
  if (const auto code = ErrorCodeFromNumber(finished.error_code()); finished.error_code() != 0)
    LogError(LogLevel::kError, "job failed",
             {code.value_or(ErrorCode::kInternal), finished.context()});
  reporter_.JournalEnd(finished);
  v1::ToDaemon message;
  *message.mutable_finished() = std::move(finished);
  if (!link_.ReportLast(message, kPatience))
    Log(LogLevel::kWarning, "the daemon did not come back to hear the end; the journal has it");
  return true;
}

}  // namespace station::worker
