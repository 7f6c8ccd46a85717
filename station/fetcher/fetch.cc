// Fetch: an import whose bytes come from the network (import.h).

#include <algorithm>

#include "station/base/digest.h"
#include "station/base/log.h"
#include "station/fetcher/download_feed.h"
#include "station/fetcher/import.h"
#include "station/fetcher/take_in.h"

namespace station::fetcher {
namespace {

using store::Entry;
using store::Shelf;

// Fetches of the same content share a folder, whoever asks for them and wherever it lies; without a
// hash the address has to do.
std::string NameOf(const FetchRequest& request) {
  if (request.sha256) return ToHex(*request.sha256);
  if (request.sha1) return ToHex(*request.sha1);
  const std::string& url = request.remote.urls.front();
  return ToHex(Sha256Of({reinterpret_cast<const std::uint8_t*>(url.data()), url.size()}));
}

// What a later fetch can go on from is kept; bytes that were proven wrong are not.
bool WorthKeeping(ErrorCode code) {
  return code == ErrorCode::kCancelled || code == ErrorCode::kFirmwareDownload ||
         code == ErrorCode::kDiskFull || code == ErrorCode::kIo;
}

Result<Entry> Build(RemoteFile& remote, const std::filesystem::path& folder,
                    const Expected& expected, const ImportHooks& hooks) {
  STATION_TRY(feed, DownloadFeed::Open(remote, folder));
  if (!remote.Ranges()) {
    // Its directory lies at its end: first all of it, then the pass over what was kept.
    STATION_CHECK(feed.Complete([&](std::uint64_t done) { hooks.progress(done, feed.Size()); }));
    STATION_TRY(kept, DownloadFeed::OpenKept(remote, folder));
    return BuildEntry(kept, kept.File(), folder, expected, hooks);
  }
  auto entry = BuildEntry(feed, feed.File(), folder, expected, hooks);
  Log(LogLevel::kInfo, "download ended",
      {{"size", std::to_string(feed.Size())},
       {"resumed", std::to_string(feed.Resumed())},
       {"network_bytes", std::to_string(remote.Received())}});
  return entry;
}

}  // namespace

Result<Entry> Fetch(FetchRequest request, const ImportHooks& hooks) {
  STATION_TRY(shelf, Shelf::Open(request.store, store::StaleIncoming::kRemove));
  const Expected expected{request.sha256, request.sha1};
  STATION_TRY(there, SoundEntry(shelf, expected));
  if (there) return std::move(*there);
  request.remote.content_known = expected.Anything();
  request.remote.http.stop = hooks.stop;
  STATION_TRY(download, shelf.OpenDownload(NameOf(request)));
  download.Keep(true);
  STATION_TRY(remote, RemoteFile::Find(std::move(request.remote)));
  auto entry = Build(remote, download.Folder(), expected, hooks);
  if (!entry) {
    download.Keep(WorthKeeping(entry.error().code));
    return Fail(std::move(entry).error(), "fetching " + remote.Url());
  }
  if (hooks.stop()) return Fail(ErrorCode::kCancelled, "the download was stopped");
  entry->source = remote.Url();
  DownloadFeed::RemoveNotes(download.Folder());
  download.Keep(false);
  return PutOnShelf(shelf, std::move(download), std::move(*entry));
}

}  // namespace station::fetcher
