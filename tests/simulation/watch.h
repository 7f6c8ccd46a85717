#pragma once
// The invariants, looked at whenever something happens that could break one. The first one broken
// is kept, with the time.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "station/daemon/cart/view.h"
#include "tests/simulation/memory_ledger.h"
#include "tests/simulation/processes.h"

namespace station::simulation {

// What operators permitted, as they said it: kept apart from the cart's own book.
struct Permission {
  std::vector<PortKey> ports;
  std::vector<Ecid> ecids;
  std::vector<std::string> serial_numbers;
  int count = 0;
  std::int64_t expires = 0;  // Unix milliseconds
  std::set<Ecid> written;
};

class Watch : public daemon::CartObserver {
 public:
  Watch(Clock& clock, MemoryLedger& ledger, const Processes& processes, const Floor& floor,
        const Limits& limits)
      : clock_(clock), ledger_(ledger), processes_(processes), floor_(floor), limits_(limits) {}

  void Broken(const std::string& what);
  [[nodiscard]] const std::optional<std::string>& FirstBroken() const { return broken_; }
  // The same for the same run, another one for almost every other.
  [[nodiscard]] std::uint64_t Trace() const { return trace_; }

  // What operators do.
  Permission& Permit(std::int64_t arming) { return permissions_[arming]; }
  void LetGo(Ecid ecid) { let_go_.try_emplace(ecid, clock_.Time()); }
  void ArmedAnew(Ecid ecid) { let_go_.erase(ecid); }
  void RetriedByHand(JobId job) { by_hand_.insert(job.value); }
  void EmergencyStop(bool engaged);
  void Protect(Ecid ecid) { never_wipe_.insert(ecid); }
  // The daemon is another one: what was shown before counts no more.
  void DaemonGone();

  // What processes do.
  void OnStart(const Process& process);
  void OnWrite(const Process& process, const Phone& phone);

  // Ledger and cart say the same, as far as everything is on disk.
  void Compare();

  void OnPort(const daemon::PortView& port) override;
  void OnCart(const daemon::CartView&) override {}
  void OnJobEnded(const ledger::JobRow& job) override;
  void OnStepEnded(Step, std::chrono::duration<double>) override {}
  void OnBytes(const daemon::PortView&, std::uint64_t) override {}

  std::function<void(const ledger::JobRow&)> on_job_ended = [](const ledger::JobRow&) {};

 private:
  struct Shown {
    PortState state = PortState::kEmpty;
    JobId job;
    Outcome outcome = Outcome::kNone;
  };
  void ComparePort(const PortKey& key, const Shown& shown);
  void Hash(std::uint64_t value);
  [[nodiscard]] std::string MayWrite(const Process& process, const Phone& phone) const;

  Clock& clock_;
  MemoryLedger& ledger_;
  const Processes& processes_;
  const Floor& floor_;
  Limits limits_;
  std::optional<std::string> broken_;
  std::uint64_t trace_ = 1469598103934665603ULL;
  std::map<PortKey, Shown> shown_;
  std::set<PortKey> changed_;
  std::size_t with_job_ = 0;
  std::map<std::int64_t, Permission> permissions_;
  std::set<std::int64_t> by_hand_;
  std::map<std::int64_t, Millis> first_start_;  // of a job's first process
  std::set<Ecid> never_wipe_;
  std::map<Ecid, Millis> let_go_;         // disarmed since
  std::optional<Millis> emergency_stop_;  // since
};

}  // namespace station::simulation
