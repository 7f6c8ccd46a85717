#include "station/restore/phone_log.h"

#include <fcntl.h>

#include <cerrno>
#include <string>

#include "station/base/log.h"

namespace station::restore {

void PhoneLog::Append(std::string_view title, std::string_view text) {
  if (path_.empty() || text.empty()) return;
  const std::lock_guard lock(mutex_);
  if (given_up_) return;
  if (!file_.Valid()) {
    file_ = Fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
    const auto size =
        file_.Valid() ? FileSize(file_) : Result<std::uint64_t>(FailErrno("opening", errno));
    if (!size) {
      given_up_ = true;
      LogError(LogLevel::kWarning, "the phone's log cannot be kept", size.error(),
               {{"path", path_.string()}});
      return;
    }
    size_ = *size;
  }
  std::string entry = "=== " + std::string(title) + " (" + std::to_string(text.size()) + " bytes";
  if (text.size() > kLargestEntry) {
    text = text.substr(text.size() - kLargestEntry);
    entry += ", its end";
  }
  entry += ") ===\n" + std::string(text) + "\n";
  if (size_ + entry.size() > kLargest) return;
  size_ += entry.size();
  if (auto written =
          WriteAll(file_, {reinterpret_cast<const std::uint8_t*>(entry.data()), entry.size()});
      !written) {
    given_up_ = true;
    LogError(LogLevel::kWarning, "the phone's log cannot be kept", written.error(),
             {{"path", path_.string()}});
  }
}

}  // namespace station::restore
