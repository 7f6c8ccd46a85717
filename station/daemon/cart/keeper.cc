#include "station/daemon/cart/keeper.h"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "station/base/log.h"

namespace station::daemon {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::minutes kLookInterval = 10min;
constexpr std::int64_t kStaleDownload = 7L * 24 * 3600;  // seconds without a further byte

// What a phone says when what it got is not what was imported.
bool IsSuspicious(ErrorCode error) {
  return error == ErrorCode::kDeviceStatusVerification || error == ErrorCode::kDeviceStatusImage ||
         error == ErrorCode::kAsrTransfer || error == ErrorCode::kBootRejectedComponent;
}

}  // namespace

std::string Format(const FirmwareNote& note) {
  return "pinned " + std::to_string(note.pinned ? 1 : 0) + "\nused " + std::to_string(note.used) +
         "\nchecked " + std::to_string(note.checked) + "\n";
}

FirmwareNote ParseNote(std::string_view text) {
  FirmwareNote note;
  std::istringstream lines{std::string(text)};
  std::string key;
  for (std::int64_t value = 0; lines >> key >> value;) {
    if (key == "pinned") note.pinned = value != 0;
    if (key == "used") note.used = value;
    if (key == "checked") note.checked = value;
  }
  return note;
}

std::vector<Sha256Digest> ChooseToEvict(std::vector<Shelved> shelved, std::uint64_t budget) {
  std::uint64_t total = 0;
  for (const Shelved& one : shelved) total += one.bytes;
  std::ranges::stable_sort(shelved, {}, &Shelved::used);
  std::vector<Sha256Digest> chosen;
  for (const Shelved& one : shelved) {
    if (total <= budget) break;
    if (one.held) continue;
    chosen.push_back(one.sha256);
    total -= one.bytes;
  }
  return chosen;
}

Keeper::Keeper(KeeperSettings settings, KeeperParts parts)
    : settings_(settings), parts_(std::move(parts)), look_(parts_.clock) {
  look_.Set(kLookInterval, [this] { Look(); });
}

void Keeper::Recall(const std::map<std::string, std::string>& notes) {
  for (const auto& [key, text] : notes)
    if (const auto sha256 =
            ParseSha256(std::string_view(key).substr(std::string_view(kLedgerPrefix).size())))
      notes_[*sha256] = ParseNote(text);
}

FirmwareNote Keeper::NoteOf(const Sha256Digest& sha256) const {
  const auto found = notes_.find(sha256);
  return found == notes_.end() ? FirmwareNote() : found->second;
}

ledger::Record Keeper::Remember(const Sha256Digest& sha256, const FirmwareNote& note) {
  notes_[sha256] = note;
  return ledger::PutSetting{kLedgerPrefix + ToHex(sha256), Format(note)};
}

bool Keeper::Held(const Sha256Digest& sha256) const {
  return NoteOf(sha256).pinned || parts_.firmware.Shelf().Leased(sha256) ||
         parts_.in_use().contains(ToHex(sha256));
}

std::vector<Shelved> Keeper::Inventory() const {
  std::vector<Shelved> inventory;
  for (const store::Entry& entry : parts_.firmware.Entries())
    inventory.push_back({entry.sha256, parts_.firmware.Shelf().DiskBytes(entry.sha256),
                         std::max(NoteOf(entry.sha256).used, entry.added_unix),
                         Held(entry.sha256)});
  return inventory;
}

std::uint64_t Keeper::BytesHeld() const {
  std::uint64_t bytes = 0;
  for (const store::Entry& entry : parts_.firmware.Entries())
    bytes += parts_.firmware.Shelf().DiskBytes(entry.sha256);
  return bytes;
}

void Keeper::OnStored() { Enforce(); }

Status Keeper::Sweep(Result<store::Incoming> removed) {
  if (!removed) return std::unexpected(std::move(removed).error());
  parts_.sweep(std::move(*removed));
  return {};
}

// The newest arrival counts as used now, so that it is not what goes.
void Keeper::Enforce() {
  if (settings_.budget == 0) return;
  const auto chosen = ChooseToEvict(Inventory(), settings_.budget);
  for (const Sha256Digest& sha256 : chosen) {
    if (const Status removed = Sweep(parts_.firmware.Shelf().Remove(sha256)); !removed) {
      LogError(LogLevel::kWarning, "store: not evicted", removed.error());
      continue;
    }
    Log(LogLevel::kInfo, "store: evicted, longest unused", {{"sha256", ToHex(sha256)}});
  }
  if (!chosen.empty()) parts_.on_change();
  if (BytesHeld() > settings_.budget)
    Log(LogLevel::kWarning, "store: over its budget, but all of it is pinned or in use",
        {{"bytes", std::to_string(BytesHeld())}});
}

void Keeper::Pin(const std::string& sha256, bool pinned, Act<store::Entry> act) {
  const auto entry = parts_.firmware.Shelf().Find(sha256);
  if (!entry) return act.reply(std::unexpected(entry.error()));
  FirmwareNote note = NoteOf(entry->sha256);
  note.pinned = pinned;
  CommitAct(parts_.ledger, {Remember(entry->sha256, note)}, *entry, std::move(act),
            ToUnixMillis(parts_.clock.Wall()));
}

void Keeper::Remove(const std::string& sha256, Act<store::Entry> act) {
  const auto entry = parts_.firmware.Shelf().Find(sha256);
  if (!entry) return act.reply(std::unexpected(entry.error()));
  if (NoteOf(entry->sha256).pinned)
    return act.reply(
        Fail(ErrorCode::kBadRequest, ToHex(entry->sha256) + " is pinned: unpin it first"));
  if (Held(entry->sha256))
    return act.reply(Fail(ErrorCode::kUnavailable,
                          ToHex(entry->sha256) + " is in use: wait until its phones are done"));
  if (const Status removed = Sweep(parts_.firmware.Shelf().Remove(entry->sha256)); !removed)
    return act.reply(std::unexpected(removed.error()));
  Log(LogLevel::kInfo, "store: removed", {{"sha256", ToHex(entry->sha256)}, {"actor", act.actor}});
  notes_.erase(entry->sha256);
  parts_.on_change();
  CommitAct(parts_.ledger, {ledger::PutSetting{kLedgerPrefix + ToHex(entry->sha256), ""}}, *entry,
            std::move(act), ToUnixMillis(parts_.clock.Wall()));
}

void Keeper::Clear(bool dry_run, Act<std::vector<Cleared>> act) {
  store::Shelf& shelf = parts_.firmware.Shelf();
  std::vector<Cleared> cleared;
  const auto take = [&](const char* what, const std::string& name, std::uint64_t bytes,
                        const std::function<Result<store::Incoming>()>& remove) {
    const Status removed = dry_run ? Status() : Sweep(remove());
    if (removed)
      cleared.push_back({what, name, bytes});
    else
      LogError(LogLevel::kWarning, "store: not cleared", removed.error(), {{"name", name}});
  };
  if (settings_.budget != 0)
    for (const Sha256Digest& sha256 : ChooseToEvict(Inventory(), settings_.budget))
      take("firmware", ToHex(sha256), shelf.DiskBytes(sha256),
           [&] { return shelf.Remove(sha256); });
  for (const store::Leftover& left : shelf.IdleDownloads())
    if (NowUnix() - left.changed_unix > kStaleDownload)
      take("download", left.name, left.bytes, [&] { return shelf.RemoveDownload(left.name); });
  for (const store::Quarantined& rotted : shelf.InQuarantine())
    take("quarantined", rotted.name, rotted.bytes,
         [&] { return shelf.RemoveQuarantined(rotted.name); });
  if (!dry_run && !cleared.empty()) parts_.on_change();
  CommitAct(parts_.ledger, {}, cleared, std::move(act), ToUnixMillis(parts_.clock.Wall()));
}

void Keeper::Quarantine(const Sha256Digest& sha256, const std::string& reason) {
  if (const Status out = parts_.firmware.Shelf().Quarantine(sha256, reason); !out) {
    if (out.error().code != ErrorCode::kFirmwareAbsent)
      LogError(LogLevel::kError, "store: rot that cannot be put away", out.error());
    return;
  }
  LogError(LogLevel::kError, "store: rotted, in quarantine now",
           {ErrorCode::kFirmwareRotted, reason}, {{"sha256", ToHex(sha256)}});
  parts_.on_rot();
  parts_.on_change();
}

std::string Keeper::Check(const Sha256Digest& sha256, Errands::Asker asker) {
  const auto done = [this, sha256, tell = asker.done](const Errands::Answer& answer) {
    if (answer.ended.error == ErrorCode::kFirmwareRotted) Quarantine(sha256, answer.ended.context);
    if (answer.ended.error == ErrorCode::kNone) {
      FirmwareNote note = NoteOf(sha256);
      note.checked = NowUnix();
      parts_.ledger.Append({Remember(sha256, note)});
    }
    tell(answer);
  };
  return parts_.errands.Start("check", CheckTask{parts_.firmware.Root(), ToHex(sha256), 0, 0},
                              {.done = done, .progress = asker.progress});
}

// A phone refused what it was sent: is it what was imported? Nobody else gets it until that is
// known.
void Keeper::Suspect(const Sha256Digest& sha256) {
  if (parts_.firmware.Withheld(sha256)) return;
  parts_.firmware.Withhold(sha256);
  Check(sha256, {.done = [this, sha256](const Errands::Answer&) { Clarified(sha256); }});
}

void Keeper::Clarified(const Sha256Digest& sha256) {
  parts_.firmware.Release(sha256);
  parts_.on_change();
}

void Keeper::OnAttemptEnded(const ledger::JobRow& job) {
  const auto sha256 = ParseSha256(job.firmware_sha256);
  if (!sha256) return;
  if (IsSuspicious(job.error)) return Suspect(*sha256);
  if (job.error != ErrorCode::kFirmwareRotted || parts_.firmware.Withheld(*sha256)) return;
  parts_.firmware.Withhold(*sha256);
  // Not from within what the cart is doing.
  parts_.clock.After(0ms, [this, sha256 = *sha256, reason = job.context] {
    Quarantine(sha256, reason);
    Clarified(sha256);
  });
}

void Keeper::OnJobEnded(const ledger::JobRow& job) {
  const auto sha256 = ParseSha256(job.firmware_sha256);
  if (!sha256) return;
  FirmwareNote note = NoteOf(*sha256);
  note.used = NowUnix();
  parts_.ledger.Append({Remember(*sha256, note)});
}

void Keeper::OnCart(const CartView& cart) {
  busy_ = cart.working > 0;
  if (busy_ && !scrub_.empty()) parts_.errands.Cancel(scrub_);
}

void Keeper::Look() {
  look_.Set(kLookInterval, [this] { Look(); });
  for (const store::Leftover& left : parts_.firmware.Shelf().IdleDownloads())
    if (NowUnix() - left.changed_unix > kStaleDownload) {
      Log(LogLevel::kInfo, "store: nobody goes on with a download", {{"name", left.name}});
      (void)Sweep(parts_.firmware.Shelf().RemoveDownload(left.name));
    }
  if (busy_ || !scrub_.empty() || settings_.scrub_interval.count() == 0) return;
  const store::Entry* oldest = nullptr;
  std::int64_t since = NowUnix() - settings_.scrub_interval.count();
  for (const store::Entry& entry : parts_.firmware.Entries()) {
    const std::int64_t checked = std::max(NoteOf(entry.sha256).checked, entry.added_unix);
    if (checked > since) continue;
    since = checked;
    oldest = &entry;
  }
  if (oldest != nullptr) Scrub(*oldest);
}

// Goes on where it was stopped, unless the daemon was restarted since.
void Keeper::Scrub(const store::Entry& entry) {
  if (scrubbed_ != entry.sha256) scrubbed_to_ = 0;
  scrubbed_ = entry.sha256;
  const auto done = [this, sha256 = entry.sha256](const Errands::Answer& answer) {
    scrub_.clear();
    if (answer.ended.error == ErrorCode::kCancelled) return;
    scrubbed_to_ = 0;
    if (answer.ended.error == ErrorCode::kFirmwareRotted) Quarantine(sha256, answer.ended.context);
    if (answer.ended.error != ErrorCode::kNone) return;
    FirmwareNote note = NoteOf(sha256);
    note.checked = NowUnix();
    parts_.ledger.Append({Remember(sha256, note)});
    Look();
  };
  scrub_ = parts_.errands.Start("check",
                                CheckTask{parts_.firmware.Root(), ToHex(entry.sha256), scrubbed_to_,
                                          settings_.scrub_bytes_per_second},
                                {.done = done, .progress = [this](const ProgressReport& report) {
                                   scrubbed_to_ = report.bytes_done;
                                 }});
}

}  // namespace station::daemon
