#pragma once
// Firmware being taken in: one fetcher per path, however many ask.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "station/daemon/cart/clock.h"
#include "station/daemon/cart/firmware.h"
#include "station/daemon/supervise/tasks.h"

namespace station::daemon {

class Imports : public TaskListener {
 public:
  struct Asker {
    std::function<void(std::uint64_t done, std::uint64_t total)> progress;
    std::function<void(Result<store::Entry>)> done;  // exactly once
  };
  // `on_change` is called when the store has a further entry.
  Imports(Clock& clock, Workers& workers, FirmwareChoice& firmware, std::function<void()> on_change)
      : clock_(clock), workers_(workers), firmware_(firmware), on_change_(std::move(on_change)) {}

  // `path` is absolute; `sha256` is empty or 64 hex digits. An import of that path that runs
  // already is joined.
  void Add(const std::string& path, const std::string& sha256, Asker asker);

  void OnProgress(const std::string& task, const ProgressReport& report) override;
  void OnImported(const std::string& task, const store::Entry& entry) override;
  void OnFinished(const std::string& task, const Ended& ended) override;
  void OnGone(const std::string& task) override;
  void OnIdentified(const std::string&, const ledger::PhoneFacts&) override {}
  void OnStep(const std::string&, const StepReport&) override {}

 private:
  struct Import {
    std::string path;
    std::string sha256;
    std::vector<Asker> askers;
  };
  void End(const std::string& task, Result<store::Entry> result);

  Clock& clock_;
  Workers& workers_;
  FirmwareChoice& firmware_;
  std::function<void()> on_change_;
  std::map<std::string, Import> running_;  // by task
  std::int64_t last_number_ = 0;
};

}  // namespace station::daemon
