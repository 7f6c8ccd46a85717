#pragma once
// The phone's own verdict, and its progress, in our words (restore-protocol 6.6, 6.9, 6.10, 10.4).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "station/base/error_code.h"
#include "station/base/result.h"
#include "station/plist/plist.h"

namespace station::restore {

// A StatusMsg's Status that is not 0; kDeviceStatus for one without a meaning of its own. AMR
// errors use the same numbers.
[[nodiscard]] ErrorCode CodeOfStatus(std::int64_t status);
// What a checkpoint that failed stands for; nothing for those that only pass on what failed within
// them.
[[nodiscard]] std::optional<ErrorCode> CodeOfCheckpoint(std::uint64_t id);
// Name of a ProgressMsg's Operation; "operation" when it has none.
[[nodiscard]] std::string_view OperationName(std::int64_t operation);

// Listens to checkpoints, so that a verdict of "failed" can be told by what failed. Steps fail and
// are repeated, and factory data may fail without harm, so a failed checkpoint counts only once the
// phone gives up.
class PhoneVerdict {
 public:
  // An error at once where nothing that follows can be trusted: kHostTooOld, before anything is
  // erased.
  [[nodiscard]] Status OnCheckpoint(plist::View message);
  // Of a StatusMsg that is not success.
  [[nodiscard]] Error OnFailure(std::int64_t status, std::int64_t amr_error,
                                std::string_view log) const;
  [[nodiscard]] const std::string& LastCheckpoint() const { return last_; }

 private:
  std::string last_ = "none";
  std::optional<ErrorCode> failed_;  // the latest that is not about factory data
  std::string failed_text_;
  bool factory_data_failed_ = false;
};

}  // namespace station::restore
