#pragma once
// The firmware store on disk: lists entries, hands out their descriptors, takes in finished
// imports, pins what is in use. It never looks inside a firmware. Not for several threads at once;
// several processes may share a store.

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "station/base/fd.h"
#include "station/base/ids.h"
#include "station/base/result.h"
#include "station/store/keeper/entry.h"

namespace station::store {

// Pins an entry as long as it lives: Remove refuses. Leases are in memory; a restarted daemon takes
// them anew for the workers it adopts.
class Lease {
 public:
  Lease() = default;
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease();
  [[nodiscard]] const Sha256Digest& Sha256() const { return sha256_; }

 private:
  friend class Shelf;
  using Counts = std::map<Sha256Digest, int>;
  Lease(std::shared_ptr<Counts> counts, const Sha256Digest& sha256);
  void Release();
  std::shared_ptr<Counts> counts_;  // shared: a lease may outlive its shelf at shutdown
  Sha256Digest sha256_{};
};

// A folder to build an entry in, ours alone (a lock on it tells it from a dead import's). Removed
// with the object unless it was committed.
class Incoming {
 public:
  Incoming(Incoming&&) noexcept = default;
  Incoming& operator=(Incoming&&) noexcept;
  ~Incoming();
  [[nodiscard]] const std::filesystem::path& Folder() const { return folder_; }
  // Whether the folder stays for a later attempt when this goes without a commit.
  void Keep(bool keep) { keep_ = keep; }

 private:
  friend class Shelf;
  Incoming(std::filesystem::path folder, Fd lock)
      : folder_(std::move(folder)), lock_(std::move(lock)) {}
  void Drop();
  std::filesystem::path folder_;
  Fd lock_;
  bool keep_ = false;
};

// What a worker is sent (SCM_RIGHTS), read-only, in this order.
struct WorkerFiles {
  Fd ipsw;
  Fd index;
  std::optional<Fd> os_image;  // RestoreOrders.has_os_image_file
};

// What an interrupted download left behind.
struct Leftover {
  std::string name;
  std::uint64_t bytes = 0;
  std::int64_t changed_unix = 0;  // when something of it was last written, seconds
};

// A former entry.
struct Quarantined {
  std::string name;  // of its folder
  Entry entry;
  std::string reason;
  std::uint64_t bytes = 0;
};

enum class StaleIncoming { kKeep, kRemove };

class Shelf {
 public:
  // File names within an entry.
  static constexpr std::string_view kIpswFile = "firmware.ipsw";
  static constexpr std::string_view kIndexFile = "index";
  static constexpr std::string_view kOsImageFile = "os.img";
  static constexpr std::string_view kEntryFile = "entry";

  // Makes the folders that are missing. kRemove clears what dead imports left behind (running ones
  // keep theirs).
  [[nodiscard]] static Result<Shelf> Open(const std::filesystem::path& root, StaleIncoming stale);

  // Every entry, newest system first. One that cannot be read is logged and left out.
  [[nodiscard]] Result<std::vector<Entry>> List() const;
  // By the beginning of the SHA-256 in hex, either case. kNotFound; kBadRequest when it is no hex
  // or fits several.
  [[nodiscard]] Result<Entry> Find(std::string_view sha256_prefix) const;
  // The newest entry for a product ("iPhone10,1"). kFirmwareAbsent.
  [[nodiscard]] Result<Entry> NewestFor(std::string_view product) const;
  // kFirmwareAbsent; kFirmwareRotted when a file of the entry is gone.
  [[nodiscard]] Result<WorkerFiles> OpenForWorker(const Sha256Digest& sha256) const;

  // kFirmwareAbsent.
  [[nodiscard]] Result<Lease> Hold(const Sha256Digest& sha256);
  [[nodiscard]] bool Leased(const Sha256Digest& sha256) const;

  // incoming/<task>, empty. kAlreadyExists while another process builds under that name;
  // kBadRequest for a bad name.
  [[nodiscard]] Result<Incoming> NewIncoming(std::string_view task);
  // downloads/<name>, with whatever an earlier attempt has left there; others may not use it
  // meanwhile. kAlreadyExists while another process does; kBadRequest for a bad name.
  [[nodiscard]] Result<Incoming> OpenDownload(std::string_view name);
  // Makes the folder (kIpswFile, kIndexFile, maybe kOsImageFile) an entry: whole and on disk, or
  // not at all. The folder is gone afterwards, whatever happened; kAlreadyExists when the store has
  // that entry.
  [[nodiscard]] Status Commit(Incoming incoming, const Entry& entry);

  // Takes an entry out of use and keeps it, with the reason, in quarantine/. Whoever has it open
  // reads on. kFirmwareAbsent.
  [[nodiscard]] Status Quarantine(const Sha256Digest& sha256, std::string_view reason);
  // Out of the store in one step. The bytes go from the disk when the answer does, which takes a
  // while for gigabytes; or with what dead imports left behind. kUnavailable while leased;
  // kFirmwareAbsent.
  [[nodiscard]] Result<Incoming> Remove(const Sha256Digest& sha256);

  // Of an entry's files, bytes; 0 when it is not there.
  [[nodiscard]] std::uint64_t DiskBytes(const Sha256Digest& sha256) const;

  // Downloads no process works on.
  [[nodiscard]] std::vector<Leftover> IdleDownloads() const;
  // As Remove. kUnavailable while a process works on it; kNotFound.
  [[nodiscard]] Result<Incoming> RemoveDownload(const std::string& name);
  // In no order; one whose entry cannot be read is told by its name alone.
  [[nodiscard]] std::vector<Quarantined> InQuarantine() const;
  // As Remove. kNotFound.
  [[nodiscard]] Result<Incoming> RemoveQuarantined(const std::string& name);

  [[nodiscard]] const std::filesystem::path& Root() const { return root_; }

 private:
  explicit Shelf(std::filesystem::path root);
  [[nodiscard]] std::filesystem::path ObjectFolder(const Sha256Digest& sha256) const;
  [[nodiscard]] Status RequirePresent(const Sha256Digest& sha256) const;
  [[nodiscard]] Result<Incoming> MoveAway(const std::filesystem::path& folder);

  std::filesystem::path root_;
  std::shared_ptr<Lease::Counts> leases_;
};

}  // namespace station::store
