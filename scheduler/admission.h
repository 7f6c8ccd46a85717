#pragma once
// Who may work now, of those whose budgets have room. Batches (armings) take turns; within one the
// slots are spread over its hubs, and at one hub it is first come, first served. Who does not fit
// lets others by, but not for ever.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "scheduler/budgets.h"
#include "scheduler/spread.h"

namespace station::scheduler {

enum class Gate : std::uint8_t {
  kOpen,
  kOnlyBegun,  // what began goes on, nothing new does (drained)
  kClosed,     // nobody is let in; who is in stays in (emergency stop, shutting down)
};

struct Applicant {
  PortKey port;
  std::int64_t batch = 0;  // the arming that made the job
  bool begun = false;      // a further attempt
};

class Admission {
 public:
  // So often others may be let in before one that came earlier and does not fit; then room is kept
  // for it.
  static constexpr int kPatience = 8;

  explicit Admission(const Budgets& budgets);

  void SetGate(Gate gate) { gate_ = gate; }
  // Of budget kJobs, at least 1; who is in stays in.
  void SetJobLimit(std::uint64_t limit);

  // Again for the same port is no second place.
  void Enqueue(const Applicant& applicant);
  // Takes it out, wherever it is; what it held is free again.
  void Remove(const PortKey& port);
  // The next one that may go in, which is then in.
  [[nodiscard]] std::optional<PortKey> Next();
  // Is in without having queued: a job that outlived the daemon. May exceed every limit.
  void Adopt(const PortKey& port);
  // Gives one budget back before its job ends.
  void Release(const PortKey& port, Budget budget);

  [[nodiscard]] std::size_t Working() const { return working_.size(); }
  [[nodiscard]] std::size_t Queued() const { return waiting_.size(); }
  [[nodiscard]] std::uint64_t JobLimit() const { return resources_.front().limit; }
  // Which budget has no room for one that waits; nothing when it has room, or does not wait.
  [[nodiscard]] std::optional<Claim> WhatBinds(const PortKey& port) const;
  // How many wait for want of each.
  [[nodiscard]] std::map<Budget, std::size_t> WaitingFor() const;

 private:
  struct Resource {
    Budget budget;
    std::string of;
    std::uint64_t limit = 0;
    std::uint64_t used = 0;
    std::uint64_t kept = 0;  // for those that lost their patience; only within Next
  };
  struct Need {
    std::size_t resource = 0;
    std::uint64_t amount = 0;
  };
  struct Waiting {
    Applicant who;
    std::vector<Need> needs;
    Spread::Way way;
    int overtaken = 0;
  };
  struct In {
    std::vector<Need> needs;
    Spread::Way way;
  };
  std::vector<Need> NeedsOf(const PortKey& port);
  std::size_t IndexOf(const Claim& claim);
  [[nodiscard]] bool MayGo(const Applicant& who) const {
    return gate_ == Gate::kOpen || (gate_ == Gate::kOnlyBegun && who.begun);
  }
  [[nodiscard]] const Need* Lacks(const std::vector<Need>& needs) const;
  [[nodiscard]] std::vector<std::size_t> InTurn() const;
  void Take(std::size_t waiting);

  Budgets budgets_;
  Gate gate_ = Gate::kOpen;
  std::vector<Resource> resources_;  // the first is kJobs
  std::map<std::pair<Budget, std::string>, std::size_t> index_;
  Spread spread_;
  std::vector<Waiting> waiting_;  // in the order in which they came
  std::map<PortKey, In> working_;
  std::int64_t last_batch_ = 0;
};

}  // namespace station::scheduler
