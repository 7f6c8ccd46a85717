#pragma once
// Firmware being taken in: one fetcher per file, however many ask; one download at a time. A
// download is written down before it begins, and goes on after a restart: with the fetcher that
// outlived the daemon, or a new one that takes up what lies in the store.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "station/daemon/cart/act.h"
#include "station/daemon/cart/clock.h"
#include "station/daemon/cart/firmware.h"
#include "station/daemon/cart/progress.h"
#include "station/daemon/cart/wanted.h"
#include "station/daemon/supervise/tasks.h"
#include "station/ledger/recorder.h"

namespace station::daemon {

struct TakingIn {
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;  // 0: not known yet
  double bytes_per_second = 0;
  std::optional<std::chrono::seconds> eta;
  bool waits = false;  // for another download to end
};

struct ImportParts {
  Clock& clock;
  Workers& workers;
  FirmwareChoice& firmware;
  ledger::Recorder& ledger;
  Network network;
  std::function<void()> on_change;  // the store has a further entry
  std::function<void(const TakingIn& together)> on_progress = [](const TakingIn&) {};
};

class Imports : public TaskListener {
 public:
  struct Asker {
    std::function<void(const TakingIn&)> progress = [](const TakingIn&) {};
    std::function<void(Result<store::Entry>)> done;  // exactly once
  };
  explicit Imports(ImportParts parts) : parts_(std::move(parts)) {}

  // An import of the same file that runs already is joined. kBadRequest; kUnavailable when it is
  // being taken in under another hash; errors of the fetcher.
  void Add(const Wanted& wanted, Asker asker);
  // Ends it; what came is kept. Askers hear kCancelled.
  void Cancel(const Wanted& wanted);
  // As Cancel, for an operator: `what` is its path or one of its addresses, or the beginning of its
  // SHA-256; empty means the only one there is. Answers the path or the first address. kNotFound;
  // kBadRequest when it fits several.
  void Stop(const std::string& what, Act<std::string> act);
  // How far it is; nothing when it is not being taken in.
  [[nodiscard]] std::optional<TakingIn> Look(const Wanted& wanted) const;
  // Downloads an earlier daemon began, as the ledger keeps them. Once, before anything else.
  void Recall(const std::map<std::string, std::string>& downloads,
              const std::set<std::string>& alive);
  // All that is on its way together, for metrics.
  [[nodiscard]] TakingIn Together() const;

  void OnProgress(const std::string& task, const ProgressReport& report) override;
  void OnImported(const std::string& task, const store::Entry& entry) override;
  void OnFinished(const std::string& task, const Ended& ended) override;
  void OnGone(const std::string& task) override;
  void OnIdentified(const std::string&, const ledger::PhoneFacts&) override {}
  void OnStep(const std::string&, const StepReport&) override {}
  void OnFound(const std::string&, const std::vector<Offer>&) override {}

  // What the ledger knows downloads by: this and the task's name.
  static constexpr const char* kLedgerPrefix = "download ";

 private:
  struct Import {
    explicit Import(Clock& clock) : again(clock) {}
    Wanted wanted;
    WallTime asked{};
    std::int64_t number = 0;
    bool written_down = false;  // or need not be
    bool started = false;
    int deaths = 0;
    ProgressMeter meter;
    std::vector<Asker> askers;
    Timer again;  // after its fetcher died
  };
  Import& Make(std::int64_t number, const Wanted& wanted, WallTime asked);
  void Launch(const std::string& task);
  void Pump();
  void End(const std::string& task, Result<store::Entry> result);
  [[nodiscard]] TakingIn ViewOf(const Import& import) const;
  [[nodiscard]] std::optional<store::Entry> Stored(const Import& import) const;

  ImportParts parts_;
  std::map<std::string, Import> running_;  // by task
  std::int64_t last_number_ = 0;
};

}  // namespace station::daemon
