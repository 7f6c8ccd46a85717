#include "station/fetcher/import.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "station/fetcher/file_feed.h"
#include "station/fetcher/take_in.h"

namespace station::fetcher {
namespace {

using store::Entry;
using store::Shelf;

struct Source {
  Fd fd;
  std::uint64_t size = 0;
};

Result<Source> OpenSource(const std::filesystem::path& path) {
  // Non-blocking, so that a pipe given by mistake does not hang us.
  Source source{Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY))};
  struct stat info {};
  if (!source.fd.Valid() || ::fstat(source.fd.Get(), &info) != 0)
    return Fail(ErrorCode::kFirmwareUnreadable,
                FailErrno("opening " + path.string(), errno).error().context);
  if (!S_ISREG(info.st_mode))
    return Fail(ErrorCode::kFirmwareUnreadable, path.string() + " is not a regular file");
  source.size = static_cast<std::uint64_t>(info.st_size);
  (void)::posix_fadvise(source.fd.Get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  return source;
}

Result<Entry> Build(const ImportRequest& request, const ImportHooks& hooks, const Source& source,
                    const std::filesystem::path& folder) {
  STATION_TRY(copy, DirectCopy::Create(folder / Shelf::kIpswFile, source.size));
  FileFeed feed(source.fd, source.size, copy);
  return BuildEntry(feed, copy.File(), folder, {request.expected, std::nullopt}, hooks);
}

}  // namespace

Result<Entry> Import(const ImportRequest& request, const ImportHooks& hooks) {
  STATION_TRY(source, OpenSource(request.source));
  STATION_TRY(shelf, Shelf::Open(request.store, store::StaleIncoming::kRemove));
  if (request.expected) {
    STATION_TRY(there, SoundEntry(shelf, {request.expected, std::nullopt}));
    if (there && there->size == source.size) return std::move(*there);
  }
  STATION_TRY(incoming, shelf.NewIncoming(request.task));
  auto entry = Build(request, hooks, source, incoming.Folder());
  if (!entry) return Fail(std::move(entry).error(), "importing " + request.source.string());
  if (hooks.stop()) return Fail(ErrorCode::kCancelled, "the import was stopped");
  entry->source = request.source.string();
  return PutOnShelf(shelf, std::move(incoming), std::move(*entry));
}

}  // namespace station::fetcher
