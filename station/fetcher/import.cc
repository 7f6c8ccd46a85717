#include "station/fetcher/import.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>

#include "station/base/log.h"
#include "station/fetcher/copy_pass.h"
#include "station/fetcher/manifest_facts.h"
#include "station/fetcher/member_pass.h"
#include "station/fetcher/os_image_file.h"
#include "station/store/reader/firmware_reader.h"
#include "station/store/reader/index.h"

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

// What the archive says of itself; read before the pass from the source and after it from our copy.
struct Contents {
  firmware::ZipDirectory directory;
  ManifestFacts facts;
  friend bool operator==(const Contents&, const Contents&) = default;
};

Result<Contents> ReadContents(const Fd& fd, std::uint64_t size) {
  const firmware::FileSource source(fd, size);
  STATION_TRY(directory, firmware::ZipDirectory::Read(source));
  STATION_TRY(facts, ReadManifestFacts(source, directory));
  return Contents{std::move(directory), std::move(facts)};
}

Result<std::optional<Entry>> AlreadyThere(const Shelf& shelf, const Sha256Digest& sha256) {
  STATION_TRY(entries, shelf.List());
  for (Entry& entry : entries)
    if (entry.sha256 == sha256) return std::optional(std::move(entry));
  return std::optional<Entry>();
}

Status CheckDigest(const ImportRequest& request, const Sha256Digest& actual) {
  if (!request.expected || *request.expected == actual) return {};
  return Fail(ErrorCode::kFirmwareHashMismatch,
              "the SHA-256 is " + ToHex(actual) + " instead of " + ToHex(*request.expected));
}

// Does the store's own entry still open? A broken one must not stand in the way of a sound copy.
Status CheckStored(const Shelf& shelf, const Sha256Digest& sha256) {
  STATION_TRY(files, shelf.OpenForWorker(sha256));
  STATION_TRY(reader, store::FirmwareReader::Open(std::move(files.ipsw), std::move(files.index),
                                                  std::move(files.os_image)));
  return {};
}

// Fills the incoming folder: copy, OS images, index.
Result<Entry> Build(const ImportRequest& request, const ImportHooks& hooks, const Source& source,
                    const std::filesystem::path& folder) {
  STATION_TRY(announced, ReadContents(source.fd, source.size));
  const std::filesystem::path path = folder / Shelf::kIpswFile;
  const Fd copy(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!copy.Valid()) return FailErrno("creating " + path.string(), errno);
  STATION_CHECK(ReserveRoom(copy, source.size));

  OsImageFile os_images(folder / Shelf::kOsImageFile);
  MemberPass members(announced.directory.Members(), announced.facts.os_paths, os_images);
  STATION_TRY(copied, CopyAndDigest(source.fd, source.size, copy, members,
                                    request.expected.has_value(), hooks));
  // A wrong digest says more than whatever it did to a member.
  if (copied.members || request.expected) STATION_CHECK(CheckDigest(request, copied.sha256));
  STATION_CHECK(copied.members);
  STATION_TRY(found, members.Finish());
  STATION_TRY(contents, ReadContents(copy, source.size));
  if (contents != announced)
    return Fail(ErrorCode::kFirmwareUnreadable, "the source changed while it was read");

  store::IndexContent index;
  index.ipsw_size = source.size;
  index.ipsw_sha256 = copied.sha256;
  index.ipsw_chunks = std::move(copied.chunks);
  index.os_image_size = os_images.Size();
  index.os_image_chunks = os_images.FinishChunks();
  index.members = std::move(found);
  STATION_CHECK(WriteFileDurably(folder / Shelf::kIndexFile, store::FormatIndex(index)));

  Entry entry;
  entry.sha256 = copied.sha256;
  entry.size = source.size;
  entry.version = std::move(contents.facts.version);
  entry.build = std::move(contents.facts.build);
  entry.products = std::move(contents.facts.products);
  entry.source = request.source.string();
  entry.added_unix = std::chrono::duration_cast<std::chrono::seconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
  return entry;
}

}  // namespace

Result<Entry> Import(const ImportRequest& request, const ImportHooks& hooks) {
  STATION_TRY(source, OpenSource(request.source));
  STATION_TRY(shelf, Shelf::Open(request.store, store::StaleIncoming::kRemove));
  if (request.expected) {
    STATION_TRY(there, AlreadyThere(shelf, *request.expected));
    if (there && there->size == source.size && CheckStored(shelf, *request.expected))
      return std::move(*there);
  }
  STATION_TRY(incoming, shelf.NewIncoming(request.task));
  auto entry = Build(request, hooks, source, incoming.Folder());
  if (!entry) return Fail(std::move(entry).error(), "importing " + request.source.string());
  if (hooks.stop()) return Fail(ErrorCode::kCancelled, "the import was stopped");

  STATION_TRY(there, AlreadyThere(shelf, entry->sha256));
  if (there) {
    auto sound = CheckStored(shelf, entry->sha256);
    if (sound) return std::move(*there);
    LogError(LogLevel::kWarning, "store: replacing a rotted entry", sound.error());
    STATION_CHECK(shelf.Quarantine(entry->sha256, sound.error().context));
  }
  auto committed = shelf.Commit(std::move(incoming), *entry);
  // Another import of the same firmware was quicker.
  if (!committed && committed.error().code != ErrorCode::kAlreadyExists)
    return std::unexpected(std::move(committed).error());
  return entry;
}

}  // namespace station::fetcher
