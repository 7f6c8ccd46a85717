#include "station/fetcher/download_feed.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "station/base/digest.h"
#include "station/base/log.h"
#include "station/fetcher/os_image_file.h"
#include "station/store/keeper/shelf.h"

namespace station::fetcher {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kChunksFile = "chunks";
constexpr std::string_view kOriginFile = "origin";
constexpr std::size_t kDigest = std::tuple_size_v<Sha256Digest>;

Result<Fd> OpenForWriting(const fs::path& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd.Valid()) return FailErrno("opening " + path.string(), errno);
  return fd;
}

Status WriteAt(const Fd& fd, std::uint64_t offset, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd.Get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FailErrno("writing the download", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return {};
}

// Digests of whole chunks; a torn last one is left out.
std::vector<Sha256Digest> ReadKept(const fs::path& path, std::uint64_t size) {
  const auto text = ReadFile(path);
  std::vector<Sha256Digest> kept;
  if (!text) return kept;
  const std::size_t count =
      std::min<std::size_t>(text->size() / kDigest, size / DownloadFeed::kChunk);
  for (std::size_t i = 0; i < count; ++i)
    std::copy_n(text->begin() + static_cast<std::ptrdiff_t>(i * kDigest), kDigest,
                kept.emplace_back().begin());
  return kept;
}

std::string OriginOf(const RemoteFile& remote) {
  return std::to_string(remote.Size()) + " " + remote.Version() + "\n";
}

}  // namespace

Result<DownloadFeed> DownloadFeed::Open(RemoteFile& remote, const fs::path& folder) {
  DownloadFeed feed;
  feed.remote_ = &remote;
  const std::string origin = OriginOf(remote);
  const auto known = ReadFile(folder / kOriginFile);
  // Without a version nothing says that the bytes are of the same file.
  if (known && *known == origin && !remote.Version().empty() && remote.Ranges())
    feed.kept_ = ReadKept(folder / kChunksFile, remote.Size());
  STATION_CHECK(feed.Begin(folder, origin));
  return feed;
}

Result<DownloadFeed> DownloadFeed::OpenKept(RemoteFile& remote, const fs::path& folder) {
  DownloadFeed feed;
  feed.remote_ = &remote;
  feed.kept_ = ReadKept(folder / kChunksFile, remote.Size());
  STATION_TRY(part, OpenForWriting(folder / store::Shelf::kIpswFile));
  *feed.part_ = std::move(part);
  feed.kept_file_.emplace(*feed.part_, remote.Size());
  return feed;
}

const firmware::ByteSource& DownloadFeed::Preview() const {
  if (kept_file_) return *kept_file_;
  return *remote_;
}

Status DownloadFeed::Begin(const fs::path& folder, const std::string& origin) {
  STATION_TRY(part, OpenForWriting(folder / store::Shelf::kIpswFile));
  STATION_TRY(chunks, OpenForWriting(folder / kChunksFile));
  *part_ = std::move(part);
  chunks_file_ = std::move(chunks);
  STATION_TRY(length, FileSize(*part_));
  if (length != remote_->Size())
    kept_.resize(std::min(kept_.size(), static_cast<std::size_t>(length / kChunk)));
  if (kept_.empty() && ::ftruncate(part_->Get(), 0) != 0)
    return FailErrno("emptying the download", errno);
  if (::ftruncate(chunks_file_.Get(), static_cast<off_t>(kept_.size() * kDigest)) != 0)
    return FailErrno("cutting the download's digests", errno);
  STATION_CHECK(WriteFileDurably(folder / kOriginFile, origin));
  return ReserveRoom(*part_, remote_->Size());
}

// The next chunk from disk, when it is there and still what came. Anything else ends what is kept.
bool DownloadFeed::TakeKept(std::span<std::uint8_t> out) {
  const auto index = static_cast<std::size_t>(offset_ / kChunk);
  // The short last chunk has no digest of its own: what is expected of the whole file judges it.
  if (kept_file_ && out.size() < kChunk) return ReadAt(*part_, offset_, out).has_value();
  if (index >= kept_.size()) return false;
  if (ReadAt(*part_, offset_, out) && Sha256Of(out) == kept_[index]) {
    resumed_ += out.size();
    return true;
  }
  Log(LogLevel::kWarning, "download: what was kept is damaged, going on before it",
      {{"offset", std::to_string(offset_)}});
  kept_.resize(index);
  if (::ftruncate(chunks_file_.Get(), static_cast<off_t>(index * kDigest)) != 0)
    LogError(LogLevel::kWarning, "download", FailErrno("cutting its digests", errno).error());
  return false;
}

// A body that stands at `offset`. A server without ranges begins anew, and what is known already
// passes by.
Status DownloadFeed::OpenBody(std::uint64_t offset) {
  const std::uint64_t first = remote_->Ranges() ? offset : 0;
  STATION_TRY(body, remote_->From(first));
  std::vector<std::uint8_t> passing(kChunk);
  for (std::uint64_t skip = offset - first; skip > 0;) {
    STATION_TRY(count, body.Read(std::span(passing).first(std::min<std::uint64_t>(skip, kChunk))));
    if (count == 0)
      return Fail(ErrorCode::kFirmwareDownload, remote_->Url() + ": the answer ended early");
    remote_->Count(count);
    skip -= count;
  }
  body_.emplace(std::move(body));
  return {};
}

// Some bytes, at least one.
Result<std::size_t> DownloadFeed::Receive(std::uint64_t offset, std::span<std::uint8_t> out) {
  if (!body_) STATION_CHECK(OpenBody(offset));
  STATION_TRY(count, body_->Read(out));
  if (count == 0)
    return Fail(ErrorCode::kFirmwareDownload, remote_->Url() + ": the answer ended early");
  remote_->Count(count);
  return count;
}

Status DownloadFeed::TakeNew(std::span<std::uint8_t> out) {
  bool something_came = false;
  for (std::size_t have = 0; have < out.size();) {
    auto count = Receive(offset_ + have, out.subspan(have));
    if (count) {
      have += *count;
      something_came = true;
      continue;
    }
    body_.reset();
    STATION_CHECK(
        remote_->AfterBreak(std::move(count).error(), std::exchange(something_came, false)));
  }
  return {};
}

// Bytes and digest are written without syncing: after a power failure a chunk that did not reach
// the disk no longer fits its digest, and is fetched again.
Status DownloadFeed::Next(std::span<std::uint8_t> out) {
  if (!TakeKept(out)) {
    if (kept_file_)
      return Fail(ErrorCode::kFirmwareDownload, "what was downloaded does not read back");
    STATION_CHECK(TakeNew(out));
    STATION_CHECK(WriteAt(*part_, offset_, out));
    if (out.size() == kChunk)
      STATION_CHECK(WriteAt(chunks_file_, offset_ / kChunk * kDigest, Sha256Of(out)));
  }
  offset_ += out.size();
  return {};
}

Status DownloadFeed::End() {
  if (!body_) return {};
  std::array<std::uint8_t, 1> beyond{};
  STATION_TRY(count, body_->Read(beyond));
  if (count != 0)
    return Fail(ErrorCode::kFirmwareSizeMismatch, remote_->Url() + " is longer than it said");
  return {};
}

Status DownloadFeed::Complete(const std::function<void(std::uint64_t)>& progress) {
  std::vector<std::uint8_t> chunk(kChunk);
  while (offset_ < Size()) {
    STATION_CHECK(
        Next(std::span(chunk).first(static_cast<std::size_t>(std::min(kChunk, Size() - offset_)))));
    progress(offset_);
  }
  return End();
}

void DownloadFeed::RemoveNotes(const fs::path& folder) {
  std::error_code ignored;
  for (const std::string_view name : {kChunksFile, kOriginFile}) fs::remove(folder / name, ignored);
}

}  // namespace station::fetcher
