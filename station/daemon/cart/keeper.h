#pragma once
// What stays in the store: what is pinned or in use does, what was not used for longest goes when
// the store holds more than its budget, what rots goes to quarantine. Every byte is read again from
// time to time, while no phone is worked on.

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "station/daemon/cart/act.h"
#include "station/daemon/cart/errands.h"
#include "station/daemon/cart/firmware.h"
#include "station/daemon/cart/view.h"
#include "station/ledger/recorder.h"

namespace station::daemon {

struct KeeperSettings {
  std::uint64_t budget = 0;                // bytes; 0: no limit
  std::chrono::seconds scrub_interval{0};  // 0: never
  std::uint64_t scrub_bytes_per_second = 0;
};

struct KeeperParts {
  Clock& clock;
  FirmwareChoice& firmware;
  ledger::Recorder& ledger;
  Errands& errands;
  std::function<std::set<std::string>()> in_use;  // SHA-256s that open jobs need
  std::function<void()> on_change;                // an entry is gone
  std::function<void()> on_rot;                   // one went to quarantine
  std::function<void(store::Incoming)> sweep;     // takes what was removed off the disk
};

// What the station remembers of a firmware beside its entry. Unix seconds; 0: never.
struct FirmwareNote {
  bool pinned = false;
  std::int64_t used = 0;
  std::int64_t checked = 0;
  friend bool operator==(const FirmwareNote&, const FirmwareNote&) = default;
};
[[nodiscard]] std::string Format(const FirmwareNote& note);
[[nodiscard]] FirmwareNote ParseNote(std::string_view text);

struct Shelved {
  Sha256Digest sha256{};
  std::uint64_t bytes = 0;
  std::int64_t used = 0;  // Unix seconds
  bool held = false;      // pinned or in use
};
// Which must go so that the rest fits: longest unused first, never what is held.
[[nodiscard]] std::vector<Sha256Digest> ChooseToEvict(std::vector<Shelved> shelved,
                                                      std::uint64_t budget);

// Something that was, or would be, removed.
struct Cleared {
  std::string what;  // "firmware", "download", "quarantined"
  std::string name;
  std::uint64_t bytes = 0;
};

class Keeper : public CartObserver {
 public:
  Keeper(KeeperSettings settings, KeeperParts parts);

  // The notes as the ledger keeps them. Once, before anything else.
  void Recall(const std::map<std::string, std::string>& notes);
  [[nodiscard]] FirmwareNote NoteOf(const Sha256Digest& sha256) const;
  // IPSWs and inflated images, bytes.
  [[nodiscard]] std::uint64_t BytesHeld() const;

  // By the beginning of a SHA-256. kNotFound, kBadRequest (Remove: also of what is pinned),
  // kUnavailable of what is in use.
  void Pin(const std::string& sha256, bool pinned, Act<store::Entry> act);
  void Remove(const std::string& sha256, Act<store::Entry> act);
  // What the budget does not allow, downloads nobody goes on with, and what is in quarantine.
  void Clear(bool dry_run, Act<std::vector<Cleared>> act);
  // Reads it now, as fast as it goes; rot sends it to quarantine before the asker hears of it.
  std::string Check(const Sha256Digest& sha256, Errands::Asker asker);
  void StopCheck(const std::string& task) { parts_.errands.Cancel(task); }

  // The store has a further entry.
  void OnStored();

  void OnPort(const PortView&) override {}
  void OnCart(const CartView& cart) override;
  void OnJobEnded(const ledger::JobRow& job) override;
  void OnAttemptEnded(const ledger::JobRow& job) override;
  void OnStepEnded(Step, std::chrono::duration<double>) override {}
  void OnBytes(const PortView&, std::uint64_t) override {}

  static constexpr const char* kLedgerPrefix = "firmware ";

 private:
  [[nodiscard]] ledger::Record Remember(const Sha256Digest& sha256, const FirmwareNote& note);
  [[nodiscard]] std::vector<Shelved> Inventory() const;
  [[nodiscard]] bool Held(const Sha256Digest& sha256) const;
  [[nodiscard]] Status Sweep(Result<store::Incoming> removed);
  void Enforce();
  void Quarantine(const Sha256Digest& sha256, const std::string& reason);
  void Suspect(const Sha256Digest& sha256);
  void Clarified(const Sha256Digest& sha256);
  void Look();
  void Scrub(const store::Entry& entry);
  [[nodiscard]] std::int64_t NowUnix() const {
    return ToUnixMillis(parts_.clock.Wall()).value / 1000;
  }

  KeeperSettings settings_;
  KeeperParts parts_;
  std::map<Sha256Digest, FirmwareNote> notes_;
  bool busy_ = false;              // phones are worked on
  std::string scrub_;              // the task that reads in idle time; empty: none
  Sha256Digest scrubbed_{};        // what it reads, or was stopped at
  std::uint64_t scrubbed_to_ = 0;  // bytes of that
  Timer look_;
};

}  // namespace station::daemon
