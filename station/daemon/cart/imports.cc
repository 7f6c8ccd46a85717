#include "station/daemon/cart/imports.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "station/base/log.h"

namespace station::daemon {
namespace {

constexpr int kMostDeaths = 5;  // of a download's fetcher, without a word
constexpr std::chrono::seconds kPauseAfterDeath{1};
constexpr std::string_view kTaskPrefix = "import-";

std::string TaskOf(std::int64_t number) {
  return std::string(kTaskPrefix) + std::to_string(number);
}

std::string NameOf(const Wanted& wanted) {
  return wanted.FromNetwork() ? wanted.urls.front() : wanted.path;
}

bool Means(const std::string& what, const Wanted& wanted) {
  return what.empty() || what == wanted.path ||
         std::ranges::find(wanted.urls, what) != wanted.urls.end() ||
         wanted.sha256.starts_with(what);
}

}  // namespace

Imports::Import& Imports::Make(std::int64_t number, const Wanted& wanted, WallTime asked) {
  Import& import = running_.try_emplace(TaskOf(number), parts_.clock).first->second;
  import.wanted = wanted;
  import.number = number;
  import.asked = asked;
  import.meter.BeginStep(Step::kNone, parts_.clock.Now());
  return import;
}

void Imports::Add(const Wanted& wanted, Asker asker) {
  if (const Status good = Check(wanted); !good) return asker.done(std::unexpected(good.error()));
  for (auto& [task, import] : running_) {
    if (!SameFile(import.wanted, wanted)) continue;
    if (Contradict(import.wanted, wanted))
      return asker.done(
          Fail(ErrorCode::kUnavailable, "the file is being taken in under another hash or size"));
    return import.askers.push_back(std::move(asker));
  }
  // Numbers go on after a restart: a fetcher of the daemon before may still run.
  last_number_ = std::max(last_number_ + 1, ToUnixMillis(parts_.clock.Wall()).value / 1000);
  Import& import = Make(last_number_, wanted, parts_.clock.Wall());
  import.askers.push_back(std::move(asker));
  const std::string task = TaskOf(last_number_);
  if (!wanted.FromNetwork()) return Launch(task);
  parts_.ledger.Append({ledger::PutSetting{kLedgerPrefix + task, Format(wanted, import.asked)}},
                       [this, task](const Status& status) {
                         const auto found = running_.find(task);
                         if (found == running_.end()) return;
                         if (!status) return End(task, std::unexpected(status.error()));
                         found->second.written_down = true;
                         Pump();
                       });
}

void Imports::Launch(const std::string& task) {
  Import& import = running_.at(task);
  import.started = true;
  import.meter.BeginStep(Step::kNone, parts_.clock.Now());
  const Wanted& wanted = import.wanted;
  if (const Status started = parts_.workers.Start(
          {task, ImportTask{wanted.path, parts_.firmware.Root(), wanted.sha256, wanted.urls,
                            wanted.sha1, wanted.size, parts_.network}});
      !started)
    End(task, std::unexpected(started.error()));
}

// The next download, unless one runs: side by side they would take each other's bandwidth.
void Imports::Pump() {
  const Import* next = nullptr;
  for (const auto& [task, import] : running_) {
    if (!import.wanted.FromNetwork()) continue;
    if (import.started || import.again.Running()) return;
    if (import.written_down && (next == nullptr || import.number < next->number)) next = &import;
  }
  if (next != nullptr) Launch(TaskOf(next->number));
}

void Imports::Recall(const std::map<std::string, std::string>& downloads,
                     const std::set<std::string>& alive) {
  for (const auto& [key, text] : downloads) {
    const std::string_view task = std::string_view(key).substr(std::strlen(kLedgerPrefix));
    std::int64_t number = 0;
    const auto digits = task.substr(std::min(task.size(), kTaskPrefix.size()));
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const auto kept = ParseWanted(text);
    if (!kept || TaskOf(number) != task) continue;
    last_number_ = std::max(last_number_, number);
    Import& import = Make(number, kept->first, kept->second);
    import.written_down = true;
    import.started = alive.contains(TaskOf(number));
    Log(LogLevel::kInfo, import.started ? "download adopted" : "download goes on",
        {{"task", TaskOf(number)}, {"url", import.wanted.urls.front()}});
    if (const auto entry = Stored(import); entry && !import.started) End(TaskOf(number), *entry);
  }
  Pump();
}

// What a fetcher put there without being able to say so.
std::optional<store::Entry> Imports::Stored(const Import& import) const {
  const Wanted& wanted = import.wanted;
  for (const store::Entry& entry : parts_.firmware.Entries()) {
    if (!wanted.sha256.empty() && ParseSha256(wanted.sha256) == entry.sha256) return entry;
    if (!wanted.sha1.empty() && entry.sha1 && store::ParseSha1(wanted.sha1) == *entry.sha1)
      return entry;
    const bool since = entry.added_unix * 1000 + 999 >= ToUnixMillis(import.asked).value;
    if (since && std::ranges::find(wanted.urls, entry.source) != wanted.urls.end()) return entry;
  }
  return std::nullopt;
}

TakingIn Imports::ViewOf(const Import& import) const {
  const ProgressView progress = import.meter.View(parts_.clock.Now());
  TakingIn view{.bytes_done = progress.bytes_done,
                .bytes_total = progress.bytes_total,
                .bytes_per_second = progress.bytes_per_second,
                .eta = std::nullopt,
                .waits = !import.started};
  if (view.bytes_per_second > 0 && view.bytes_total >= view.bytes_done)
    view.eta = std::chrono::ceil<std::chrono::seconds>(std::chrono::duration<double>(
        static_cast<double>(view.bytes_total - view.bytes_done) / view.bytes_per_second));
  return view;
}

std::optional<TakingIn> Imports::Look(const Wanted& wanted) const {
  for (const auto& [task, import] : running_)
    if (SameFile(import.wanted, wanted)) return ViewOf(import);
  return std::nullopt;
}

TakingIn Imports::Together() const {
  TakingIn all;
  for (const auto& [task, import] : running_) {
    const TakingIn one = ViewOf(import);
    all.bytes_done += one.bytes_done;
    all.bytes_total += one.bytes_total;
    all.bytes_per_second += one.bytes_per_second;
  }
  return all;
}

void Imports::Cancel(const Wanted& wanted) {
  for (const auto& [task, import] : running_) {
    if (!SameFile(import.wanted, wanted)) continue;
    if (import.started) return parts_.workers.Cancel(task);
    return End(std::string(task), Fail(ErrorCode::kCancelled, "not begun yet"));
  }
}

void Imports::Stop(const std::string& what, Act<std::string> act) {
  std::vector<Wanted> meant;
  for (const auto& [task, import] : running_)
    if (Means(what, import.wanted)) meant.push_back(import.wanted);
  if (meant.empty())
    return act.reply(Fail(ErrorCode::kNotFound, what.empty() ? "nothing is being taken in"
                                                             : what + " is not being taken in"));
  if (meant.size() > 1)
    return act.reply(Fail(ErrorCode::kBadRequest, "several are being taken in, name one: " +
                                                      NameOf(meant[0]) + ", " + NameOf(meant[1])));
  Cancel(meant.front());
  CommitAct(parts_.ledger, {}, NameOf(meant.front()), std::move(act),
            ToUnixMillis(parts_.clock.Wall()));
}

void Imports::OnProgress(const std::string& task, const ProgressReport& report) {
  const auto found = running_.find(task);
  if (found == running_.end()) return;
  Import& import = found->second;
  import.meter.Report(report, parts_.clock.Now());
  const TakingIn view = ViewOf(import);
  for (const Asker& asker : import.askers) asker.progress(view);
  parts_.on_progress(Together());
}

void Imports::OnImported(const std::string& task, const store::Entry& entry) {
  parts_.on_change();
  const auto& entries = parts_.firmware.Entries();
  const auto stored = std::ranges::find(entries, entry.sha256, &store::Entry::sha256);
  End(task, stored != entries.end() ? *stored : entry);
}

void Imports::OnFinished(const std::string& task, const Ended& ended) {
  if (ended.error != ErrorCode::kNone) End(task, Fail(ended.error, ended.context));
}

void Imports::OnGone(const std::string& task) {
  const auto found = running_.find(task);
  if (found == running_.end()) return;
  Import& import = found->second;
  parts_.on_change();
  if (const auto entry = Stored(import)) return End(task, *entry);
  if (!import.wanted.FromNetwork() || ++import.deaths > kMostDeaths)
    return End(task, Fail(ErrorCode::kWorkerDied, "the fetcher ended without a word"));
  Log(LogLevel::kWarning, "download: the fetcher died, another goes on", {{"task", task}});
  import.started = false;
  import.again.Set(kPauseAfterDeath, [this] { Pump();
});
}  // namespace station::daemon

void Imports::End(const std::string& task, Result<store::Entry> result) {
  const auto found = running_.find(task);
  if (found == running_.end()) return;
  if (found->second.wanted.FromNetwork())
    parts_.ledger.Append({ledger::PutSetting{kLedgerPrefix + task, ""}});
  if (!result)
    LogError(LogLevel::kWarning, "firmware not taken in", result.error(), {{"task", task}});
  const std::vector<Asker> askers = std::move(found->second.askers);
  running_.erase(found);
  parts_.on_progress(Together());
  for (const Asker& asker : askers) asker.done(result);
  Pump();
}

}  // namespace station::daemon
