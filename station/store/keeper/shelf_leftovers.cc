// What lies on the shelf beside its entries: interrupted downloads, and what is in quarantine.

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <chrono>

#include "station/store/keeper/shelf.h"

namespace station::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDownloads = "downloads";
constexpr std::string_view kQuarantine = "quarantine";
constexpr std::uint64_t kMostText = 1U << 20U;  // bytes

std::uint64_t BytesIn(const fs::path& folder) {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (const auto& item : fs::directory_iterator(folder, error)) {
    const std::uint64_t size = item.is_regular_file(error) ? item.file_size(error) : 0;
    if (!error) bytes += size;
  }
  return bytes;
}

std::int64_t LastChange(const fs::path& folder) {
  std::int64_t latest = 0;
  std::error_code error;
  for (const auto& item : fs::directory_iterator(folder, error)) {
    const auto time = item.last_write_time(error);
    if (error) continue;
    const auto wall = std::chrono::file_clock::to_sys(time).time_since_epoch();
    latest = std::max<std::int64_t>(latest,
                                    std::chrono::duration_cast<std::chrono::seconds>(wall).count());
  }
  return latest;
}

// Ours until it is closed; no descriptor while another process works there.
Fd Lock(const fs::path& folder) {
  Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.Valid() || ::flock(fd.Get(), LOCK_EX | LOCK_NB) != 0) return {};
  return fd;
}

bool IsName(const std::string& name) {
  return !name.empty() && name.front() != '.' && name.find('/') == std::string::npos;
}

}  // namespace

std::uint64_t Shelf::DiskBytes(const Sha256Digest& sha256) const {
  return BytesIn(ObjectFolder(sha256));
}

std::vector<Leftover> Shelf::IdleDownloads() const {
  std::vector<Leftover> idle;
  std::error_code error;
  for (const auto& item : fs::directory_iterator(root_ / kDownloads, error)) {
    if (!Lock(item.path()).Valid()) continue;
    idle.push_back({item.path().filename(), BytesIn(item.path()), LastChange(item.path())});
  }
  return idle;
}

Result<Incoming> Shelf::RemoveDownload(const std::string& name) {
  const fs::path folder = root_ / kDownloads / name;
  std::error_code error;
  if (!IsName(name) || !fs::is_directory(folder, error))
    return Fail(ErrorCode::kNotFound, "no download is called " + name);
  const Fd lock = Lock(folder);
  if (!lock.Valid()) return Fail(ErrorCode::kUnavailable, "the download " + name + " is running");
  return MoveAway(folder);
}

std::vector<Quarantined> Shelf::InQuarantine() const {
  std::vector<Quarantined> all;
  std::error_code error;
  for (const auto& item : fs::directory_iterator(root_ / kQuarantine, error)) {
    Quarantined& one = all.emplace_back();
    one.name = item.path().filename();
    one.bytes = BytesIn(item.path());
    if (const auto reason = ReadFile(item.path() / "reason", kMostText)) one.reason = *reason;
    while (one.reason.ends_with('\n')) one.reason.pop_back();
    if (const auto text = ReadFile(item.path() / kEntryFile, kMostText))
      if (auto entry = ParseEntry(*text)) one.entry = std::move(*entry);
  }
  return all;
}

Result<Incoming> Shelf::RemoveQuarantined(const std::string& name) {
  const fs::path folder = root_ / kQuarantine / name;
  std::error_code error;
  if (!IsName(name) || !fs::is_directory(folder, error))
    return Fail(ErrorCode::kNotFound, "nothing in quarantine is called " + name);
  return MoveAway(folder);
}

}  // namespace station::store
