#include "station/fetcher/take_in.h"

#include <chrono>

#include "station/base/log.h"
#include "station/fetcher/digest_pass.h"
#include "station/fetcher/manifest_facts.h"
#include "station/fetcher/member_pass.h"
#include "station/fetcher/os_image_file.h"
#include "station/store/reader/firmware_reader.h"
#include "station/store/reader/index.h"

namespace station::fetcher {
namespace {

using store::Entry;
using store::Shelf;

// Does the store's own entry still open? A broken one must not stand in the way of a sound copy.
Status CheckStored(const Shelf& shelf, const Sha256Digest& sha256) {
  STATION_TRY(files, shelf.OpenForWorker(sha256));
  STATION_TRY(reader, store::FirmwareReader::Open(std::move(files.ipsw), std::move(files.index),
                                                  std::move(files.os_image)));
  return {};
}

// What the archive says of itself; read before the pass from the source and after it from our copy.
struct Contents {
  firmware::ZipDirectory directory;
  ManifestFacts facts;
  friend bool operator==(const Contents&, const Contents&) = default;
};

Result<Contents> ReadContents(const firmware::ByteSource& source) {
  STATION_TRY(directory, firmware::ZipDirectory::Read(source));
  STATION_TRY(facts, ReadManifestFacts(source, directory));
  return Contents{std::move(directory), std::move(facts)};
}

std::int64_t NowUnix() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Result<Entry> BuildEntry(Feed& feed, const Fd& copy, const std::filesystem::path& folder,
                         const Expected& expected, const ImportHooks& hooks) {
  STATION_TRY(announced, ReadContents(feed.Preview()));
  OsImageFile os_images(folder / Shelf::kOsImageFile);
  MemberPass members(announced.directory.Members(), announced.facts.os_paths, os_images);
  STATION_TRY(passed, DigestPass(feed, members, expected, hooks));
  // A wrong digest says more than whatever it did to a member.
  if (passed.members || expected.Anything()) STATION_CHECK(CheckDigests(expected, passed.digests));
  STATION_CHECK(passed.members);
  STATION_TRY(found, members.Finish());
  const firmware::FileSource copied(copy, feed.Size());
  STATION_TRY(contents, ReadContents(copied));
  if (contents != announced)
    return Fail(ErrorCode::kFirmwareUnreadable, "the source changed while it was read");

  store::IndexContent index;
  index.ipsw_size = feed.Size();
  index.ipsw_sha256 = passed.digests.sha256;
  index.ipsw_chunks = std::move(passed.chunks);
  index.os_image_size = os_images.Size();
  index.os_image_chunks = os_images.FinishChunks();
  index.members = std::move(found);
  STATION_CHECK(WriteFileDurably(folder / Shelf::kIndexFile, store::FormatIndex(index)));

  Entry entry;
  entry.sha256 = passed.digests.sha256;
  entry.size = feed.Size();
  entry.version = std::move(contents.facts.version);
  entry.build = std::move(contents.facts.build);
  entry.products = std::move(contents.facts.products);
  entry.added_unix = NowUnix();
  entry.sha1 = passed.digests.sha1;
  return entry;
}

Result<std::optional<Entry>> SoundEntry(const Shelf& shelf, const Expected& expected) {
  STATION_TRY(entries, shelf.List());
  for (Entry& entry : entries) {
    const bool same = expected.sha256 ? entry.sha256 == *expected.sha256
                                      : expected.sha1 && entry.sha1 == expected.sha1;
    if (same && CheckStored(shelf, entry.sha256)) return std::optional(std::move(entry));
  }
  return std::optional<Entry>();
}

Result<Entry> PutOnShelf(Shelf& shelf, store::Incoming incoming, Entry entry) {
  STATION_TRY(entries, shelf.List());
  for (Entry& there : entries) {
    if (there.sha256 != entry.sha256) continue;
    auto sound = CheckStored(shelf, entry.sha256);
    if (sound) return std::move(there);
    LogError(LogLevel::kWarning, "store: replacing a rotted entry", sound.error());
    STATION_CHECK(shelf.Quarantine(entry.sha256, sound.error().context));
  }
  auto committed = shelf.Commit(std::move(incoming), entry);
  // Another import of the same firmware was quicker.
  if (!committed && committed.error().code != ErrorCode::kAlreadyExists)
    return std::unexpected(std::move(committed).error());
  return entry;
}

}  // namespace station::fetcher
