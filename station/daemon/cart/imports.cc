#include "station/daemon/cart/imports.h"

#include <algorithm>

namespace station::daemon {

void Imports::Add(const std::string& path, const std::string& sha256, Asker asker) {
  if (!std::filesystem::path(path).is_absolute())
    return asker.done(Fail(ErrorCode::kBadRequest, "the path must be absolute: " + path));
  if (!sha256.empty() && !ParseSha256(sha256))
    return asker.done(Fail(ErrorCode::kBadRequest, "a SHA-256 has 64 hexadecimal digits"));
  const auto same =
      std::ranges::find_if(running_, [&](const auto& entry) { return entry.second.path == path; });
  if (same != running_.end()) {
    if (same->second.sha256 != sha256)
      return asker.done(
          Fail(ErrorCode::kUnavailable, "the file is being imported under another hash"));
    return same->second.askers.push_back(std::move(asker));
  }
  // Numbers go on after a restart: a fetcher of the daemon before may still run.
  last_number_ = std::max(last_number_ + 1, ToUnixMillis(clock_.Wall()).value / 1000);
  const std::string task = "import-" + std::to_string(last_number_);
  if (const Status started = workers_.Start({task, ImportTask{path, firmware_.Root(), sha256}});
      !started)
    return asker.done(std::unexpected(started.error()));
  Import& import = running_[task];
  import.path = path;
  import.sha256 = sha256;
  import.askers.push_back(std::move(asker));
}

void Imports::OnProgress(const std::string& task, const ProgressReport& report) {
  const auto found = running_.find(task);
  if (found == running_.end()) return;
  for (const Asker& asker : found->second.askers)
    asker.progress(report.bytes_done, report.bytes_total);
}

void Imports::OnImported(const std::string& task, const store::Entry& entry) {
  on_change_();
  const auto& entries = firmware_.Entries();
  const auto stored = std::ranges::find(entries, entry.sha256, &store::Entry::sha256);
  End(task, stored != entries.end() ? *stored : entry);
}

void Imports::OnFinished(const std::string& task, const Ended& ended) {
  if (ended.error != ErrorCode::kNone) End(task, Fail(ended.error, ended.context));
}

void Imports::OnGone(const std::string& task) {
  if (!running_.contains(task)) return;
  on_change_();
  End(task, Fail(ErrorCode::kWorkerDied, "the fetcher ended without a word"));
}

void Imports::End(const std::string& task, Result<store::Entry> result) {
  const auto found = running_.find(task);
  if (found == running_.end()) return;
  const std::vector<Asker> askers = std::move(found->second.askers);
  running_.erase(found);
  for (const Asker& asker : askers) asker.done(result);
}

}  // namespace station::daemon
