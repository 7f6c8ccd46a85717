#include "station/fetcher/export.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "station/store/keeper/shelf.h"
#include "station/store/reader/index.h"
#include "station/store/reader/mapped_file.h"
#include "station/store/reader/verified_file.h"

namespace station::fetcher {
namespace {

namespace fs = std::filesystem;

// Versions and builds are words, but a word may hold a slash.
std::string NameOf(const store::Entry& entry) {
  std::string name =
      entry.version + "_" + entry.build + "_" + ToHex(entry.sha256).substr(0, 12) + ".ipsw";
  std::ranges::replace(name, '/', '-');
  return name;
}

// A file that is gone again unless it was kept.
class NewFile {
 public:
  static Result<NewFile> Create(const fs::path& path) {
    Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!fd.Valid()) return FailErrno("creating " + path.string(), errno);
    return NewFile(path, std::move(fd));
  }
  NewFile(NewFile&& other) noexcept
      : path_(std::exchange(other.path_, {})), fd_(std::move(other.fd_)) {}
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove(path_, ignored);
  }
  [[nodiscard]] Status Write(std::span<const std::uint8_t> bytes) const {
    return WriteAll(fd_, bytes);
  }
  // Under its final name, on the disk.
  [[nodiscard]] Status Keep(const fs::path& target) {
    if (::fsync(fd_.Get()) != 0) return FailErrno("syncing " + path_.string(), errno);
    if (::rename(path_.c_str(), target.c_str()) != 0)
      return FailErrno("renaming to " + target.string(), errno);
    path_.clear();
    return {};
  }

 private:
  NewFile(fs::path path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  fs::path path_;
  Fd fd_;
};

Status Copy(const store::VerifiedFile& from, std::uint64_t size, const NewFile& to,
            const ImportHooks& hooks) {
  for (std::uint64_t done = 0; done < size;) {
    const std::uint64_t count = std::min(store::kIndexChunk, size - done);
    STATION_CHECK(from.Visit(done, count, [&](auto bytes) { return to.Write(bytes); }));
    done += count;
    hooks.progress(done, size);
    if (hooks.stop()) return Fail(ErrorCode::kCancelled, "the export was stopped");
  }
  return {};
}

// Each firmware has one line, as sha256sum reads them.
Status AddToSums(const fs::path& folder, const std::string& hash, const std::string& name) {
  const fs::path path = folder / kSumsFile;
  std::error_code error;
  std::string text;
  if (fs::exists(path, error)) {
    STATION_TRY(there, ReadFile(path, 1U << 20U));
    text = std::move(there);
  }
  const std::string line = hash + "  " + name + "\n";
  if (text.find(line) != std::string::npos) return {};
  if (!text.empty() && !text.ends_with('\n')) text += "\n";
  return WriteFileDurably(path, text + line);
}

}  // namespace

Result<fs::path> Export(const ExportRequest& request, const ImportHooks& hooks) {
  std::error_code error;
  if (!fs::is_directory(request.target, error))
    return Fail(ErrorCode::kBadRequest, request.target.string() + " is not a folder");
  STATION_TRY(shelf, store::Shelf::Open(request.store, store::StaleIncoming::kKeep));
  STATION_TRY(entry, shelf.Find(ToHex(request.sha256)));
  STATION_TRY(files, shelf.OpenForWorker(request.sha256));
  STATION_TRY(mapped, store::MappedFile::Map(files.index));
  STATION_TRY(index, store::Index::Parse(mapped.Bytes()));
  const store::VerifiedFile ipsw(std::move(files.ipsw), index.IpswSize(), index.IpswChunks());
  const std::string name = NameOf(entry);
  STATION_TRY(copy, NewFile::Create(request.target / ("." + name + ".part")));
  STATION_CHECK(Copy(ipsw, index.IpswSize(), copy, hooks));
  STATION_CHECK(copy.Keep(request.target / name));
  STATION_TRY(index_copy, NewFile::Create(request.target / ("." + name + ".index.part")));
  STATION_CHECK(index_copy.Write(mapped.Bytes()));
  STATION_CHECK(index_copy.Keep(request.target / (name + ".index")));
  STATION_CHECK(AddToSums(request.target, ToHex(request.sha256), name));
  STATION_CHECK(SyncDirectory(request.target));
  return request.target / name;
}

}  // namespace station::fetcher
