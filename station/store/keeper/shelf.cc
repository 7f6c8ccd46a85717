#include "station/store/keeper/shelf.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "station/base/log.h"

namespace station::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kObjects = "objects";
constexpr std::string_view kIncoming = "incoming";
constexpr std::string_view kDownloads = "downloads";
constexpr std::string_view kQuarantine = "quarantine";

Status MakeFolder(const fs::path& folder, mode_t mode) {
  if (::mkdir(folder.c_str(), mode) == 0) {
    // Whatever the umask says.
    if (::chmod(folder.c_str(), mode) != 0) return FailErrno("chmod " + folder.string(), errno);
    return {};
  }
  if (errno != EEXIST) return FailErrno("making " + folder.string(), errno);
  std::error_code error;
  if (!fs::is_directory(folder, error))
    return Fail(ErrorCode::kIo, folder.string() + " is not a folder");
  return {};
}

void RemoveTree(const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (error)
    Log(LogLevel::kWarning, "store: cannot remove",
        {{"folder", folder.string()}, {"reason", error.message()}});
}

// Opens and locks a folder. No descriptor when somebody else holds it, or it vanished meanwhile.
Fd LockFolder(const fs::path& folder) {
  Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.Valid() || ::flock(fd.Get(), LOCK_EX | LOCK_NB) != 0) return {};
  struct stat held {};
  struct stat named {};
  if (::fstat(fd.Get(), &held) != 0 || ::stat(folder.c_str(), &named) != 0 ||
      held.st_ino != named.st_ino || held.st_dev != named.st_dev)
    return {};
  return fd;
}

void RemoveStaleIncoming(const fs::path& incoming) {
  std::error_code error;
  for (const auto& item : fs::directory_iterator(incoming, error)) {
    const Fd lock = LockFolder(item.path());
    if (!lock.Valid()) continue;
    Log(LogLevel::kInfo, "store: removing a dead import", {{"folder", item.path().string()}});
    RemoveTree(item.path());
  }
}

bool GoodTaskName(std::string_view task) {
  return !task.empty() && task.size() <= 100 && task.front() != '.' &&
         std::ranges::none_of(task, [](char c) {
           return c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

Status SyncFile(const fs::path& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.Valid() || ::fsync(fd.Get()) != 0 || ::fchmod(fd.Get(), 0444) != 0)
    return FailErrno("syncing " + path.string(), errno);
  return {};
}

// Everything of the entry on disk, still under incoming/.
Status Settle(const fs::path& folder, const Entry& entry) {
  STATION_CHECK(SyncFile(folder / Shelf::kIpswFile));
  STATION_CHECK(SyncFile(folder / Shelf::kIndexFile));
  std::error_code error;
  if (fs::exists(folder / Shelf::kOsImageFile, error))
    STATION_CHECK(SyncFile(folder / Shelf::kOsImageFile));
  STATION_CHECK(WriteFileDurably(folder / Shelf::kEntryFile, FormatEntry(entry)));
  if (::chmod(folder.c_str(), 0755) != 0) return FailErrno("chmod " + folder.string(), errno);
  return SyncDirectory(folder);
}

}  // namespace

Lease::Lease(std::shared_ptr<Counts> counts, const Sha256Digest& sha256)
    : counts_(std::move(counts)), sha256_(sha256) {
  ++(*counts_)[sha256_];
}

Lease::Lease(Lease&& other) noexcept : counts_(std::move(other.counts_)), sha256_(other.sha256_) {}

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    Release();
    counts_ = std::move(other.counts_);
    sha256_ = other.sha256_;
  }
  return *this;
}

Lease::~Lease() { Release(); }

void Lease::Release() {
  if (counts_ && --(*counts_)[sha256_] == 0) counts_->erase(sha256_);
  counts_.reset();
}

Incoming& Incoming::operator=(Incoming&& other) noexcept {
  if (this != &other) {
    Drop();
    folder_ = std::move(other.folder_);
    lock_ = std::move(other.lock_);
    keep_ = other.keep_;
  }
  return *this;
}

Incoming::~Incoming() { Drop(); }

void Incoming::Drop() {
  if (lock_.Valid() && !keep_) RemoveTree(folder_);
  lock_.Close();
}

Shelf::Shelf(fs::path root) : root_(std::move(root)), leases_(std::make_shared<Lease::Counts>()) {}

Result<Shelf> Shelf::Open(const fs::path& root, StaleIncoming stale) {
  std::error_code error;
  if (root.has_parent_path()) fs::create_directories(root.parent_path(), error);
  STATION_CHECK(MakeFolder(root, 0755));
  STATION_CHECK(MakeFolder(root / kObjects, 0755));
  STATION_CHECK(MakeFolder(root / kIncoming, 0700));
  STATION_CHECK(MakeFolder(root / kDownloads, 0700));
  STATION_CHECK(MakeFolder(root / kQuarantine, 0700));
  if (stale == StaleIncoming::kRemove) RemoveStaleIncoming(root / kIncoming);
  return Shelf(root);
}

fs::path Shelf::ObjectFolder(const Sha256Digest& sha256) const {
  return root_ / kObjects / ToHex(sha256);
}

Status Shelf::RequirePresent(const Sha256Digest& sha256) const {
  std::error_code error;
  if (fs::is_directory(ObjectFolder(sha256), error)) return {};
  return Fail(ErrorCode::kFirmwareAbsent, "no firmware " + ToHex(sha256) + " in the store");
}

Result<std::vector<Entry>> Shelf::List() const {
  std::vector<Entry> entries;
  std::error_code error;
  for (fs::directory_iterator item(root_ / kObjects, error), end; !error && item != end;
       item.increment(error)) {
    auto text = ReadFile(item->path() / kEntryFile, 1U << 20U);
    auto entry = text ? ParseEntry(*text) : std::unexpected(std::move(text).error());
    if (entry && ToHex(entry->sha256) != item->path().filename())
      entry = Fail(ErrorCode::kFirmwareRotted, "the entry names another firmware");
    if (entry) {
      entries.push_back(std::move(*entry));
    } else {
      LogError(LogLevel::kError, "store: unreadable entry", entry.error(),
               {{"folder", item->path().string()}});
    }
  }
  if (error) return Fail(ErrorCode::kIo, "listing " + root_.string() + ": " + error.message());
  std::ranges::sort(entries, IsNewer);
  return entries;
}

Result<Entry> Shelf::Find(std::string_view sha256_prefix) const {
  std::string prefix(sha256_prefix);
  for (char& c : prefix) c = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  if (prefix.empty() || prefix.size() > 64 ||
      prefix.find_first_not_of("0123456789abcdef") != std::string::npos)
    return Fail(ErrorCode::kBadRequest, "\"" + prefix + "\" is not the beginning of a SHA-256");
  STATION_TRY(entries, List());
  std::erase_if(entries, [&](const Entry& e) { return !ToHex(e.sha256).starts_with(prefix); });
  if (entries.empty()) return Fail(ErrorCode::kNotFound, "no firmware " + prefix + " in the store");
  if (entries.size() > 1)
    return Fail(ErrorCode::kBadRequest, prefix + " fits several: " + ToHex(entries[0].sha256) +
                                            ", " + ToHex(entries[1].sha256));
  return std::move(entries.front());
}

Result<Entry> Shelf::NewestFor(std::string_view product) const {
  STATION_TRY(entries, List());
  const auto found =
      std::ranges::find_if(entries, [&](const Entry& entry) { return entry.Supports(product); });
  if (found != entries.end()) return *found;
  return Fail(ErrorCode::kFirmwareAbsent, "no firmware for " + std::string(product));
}

Result<WorkerFiles> Shelf::OpenForWorker(const Sha256Digest& sha256) const {
  STATION_CHECK(RequirePresent(sha256));
  const fs::path folder = ObjectFolder(sha256);
  auto open = [&](std::string_view file) -> Result<Fd> {
    auto fd = OpenForReading(folder / file);
    if (!fd) return Fail(ErrorCode::kFirmwareRotted, fd.error().context);
    return fd;
  };
  WorkerFiles files;
  STATION_TRY(ipsw, open(kIpswFile));
  STATION_TRY(index, open(kIndexFile));
  files.ipsw = std::move(ipsw);
  files.index = std::move(index);
  std::error_code error;
  if (fs::exists(folder / kOsImageFile, error)) {
    STATION_TRY(os_image, open(kOsImageFile));
    files.os_image = std::move(os_image);
  }
  return files;
}

Result<Lease> Shelf::Hold(const Sha256Digest& sha256) {
  STATION_CHECK(RequirePresent(sha256));
  return Lease(leases_, sha256);
}

bool Shelf::Leased(const Sha256Digest& sha256) const { return leases_->contains(sha256); }

Result<Incoming> Shelf::NewIncoming(std::string_view task) {
  if (!GoodTaskName(task))
    return Fail(ErrorCode::kBadRequest, "\"" + std::string(task) + "\" cannot name an import");
  const fs::path folder = root_ / kIncoming / task;
  // A second round only when somebody clears the folder between our making it and our locking it.
  for (int round = 0; round < 10; ++round) {
    STATION_CHECK(MakeFolder(folder, 0700));
    Fd lock = LockFolder(folder);
    if (!lock.Valid()) continue;
    std::error_code error;
    for (const auto& item : fs::directory_iterator(folder, error)) RemoveTree(item.path());
    return Incoming(folder, std::move(lock));
  }
  return Fail(ErrorCode::kAlreadyExists, "an import named " + std::string(task) + " is running");
}

Result<Incoming> Shelf::OpenDownload(std::string_view name) {
  if (!GoodTaskName(name))
    return Fail(ErrorCode::kBadRequest, "\"" + std::string(name) + "\" cannot name a download");
  const fs::path folder = root_ / kDownloads / name;
  STATION_CHECK(MakeFolder(folder, 0700));
  Fd lock = LockFolder(folder);
  if (!lock.Valid())
    return Fail(ErrorCode::kAlreadyExists, "the download " + std::string(name) + " is running");
  return Incoming(folder, std::move(lock));
}

Status Shelf::Commit(Incoming incoming, const Entry& entry) {
  if (auto settled = Settle(incoming.Folder(), entry); !settled)
    return Fail(std::move(settled).error(), "committing " + ToHex(entry.sha256));
  const fs::path object = ObjectFolder(entry.sha256);
  if (::rename(incoming.Folder().c_str(), object.c_str()) != 0) {
    if (errno == ENOTEMPTY || errno == EEXIST)
      return Fail(ErrorCode::kAlreadyExists, "the store has " + ToHex(entry.sha256));
    return FailErrno("renaming to " + object.string(), errno);
  }
  incoming.lock_.Close();
  STATION_CHECK(SyncDirectory(root_ / kObjects));
  return SyncDirectory(incoming.Folder().parent_path());
}

Status Shelf::Quarantine(const Sha256Digest& sha256, std::string_view reason) {
  STATION_CHECK(RequirePresent(sha256));
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const fs::path folder =
      root_ / kQuarantine / (ToHex(sha256) + "-" + std::to_string(milliseconds));
  if (::rename(ObjectFolder(sha256).c_str(), folder.c_str()) != 0)
    return FailErrno("renaming to " + folder.string(), errno);
  STATION_CHECK(SyncDirectory(root_ / kObjects));
  STATION_CHECK(SyncDirectory(root_ / kQuarantine));
  return WriteFileDurably(folder / "reason", std::string(reason) + "\n");
}

Result<Incoming> Shelf::Remove(const Sha256Digest& sha256) {
  STATION_CHECK(RequirePresent(sha256));
  if (Leased(sha256)) return Fail(ErrorCode::kUnavailable, ToHex(sha256) + " is in use");
  return MoveAway(ObjectFolder(sha256));
}

// In one step, so that a crash never leaves half a folder where whole ones are.
Result<Incoming> Shelf::MoveAway(const fs::path& folder) {
  STATION_TRY(grave, NewIncoming("remove-" + folder.filename().string()));
  const fs::path target = grave.Folder() / "entry";
  if (::rename(folder.c_str(), target.c_str()) != 0)
    return FailErrno("removing " + folder.string(), errno);
  STATION_CHECK(SyncDirectory(folder.parent_path()));
  return grave;
}

}  // namespace station::store
