#pragma once
// Strikes with what was planned, and remembers whom it struck in which phase of its job.

#include <functional>
#include <map>
#include <set>
#include <vector>

#include "tests/simulation/operators.h"

namespace station::simulation {

struct Struck {
  Fault fault;
  Phase phase;
};

class Trouble {
 public:
  Trouble(Clock& clock, Random& random, Scenario& scenario, Floor& floor, MemoryLedger& ledger,
          Processes& processes, Station& station, Operators& operators)
      : clock_(clock),
        random_(random),
        scenario_(scenario),
        floor_(floor),
        ledger_(ledger),
        processes_(processes),
        station_(station),
        operators_(operators) {}

  // What makes phones other than they should be, before they are plugged in.
  void Prepare();
  // From now on, what was planned for a time happens.
  void Begin();
  // No new trouble: what has begun comes to its end.
  void Stop() { stopped_ = true; }
  // Something that has begun is not over: a phone is away, the daemon is down.
  [[nodiscard]] bool Outstanding() const { return outstanding_ > 0; }

  // What processes do.
  void OnStep(const Process& process);
  void OnExit(const Process& process);
  [[nodiscard]] ErrorCode Sign(const Process& process);

  [[nodiscard]] const std::vector<Struck>& Of(int phone) const;
  [[nodiscard]] Phase PhaseOf(int phone) const;
  // The restore job of that phone that was made last; nothing when there is none.
  [[nodiscard]] const ledger::JobRow* JobOf(int phone) const;
  [[nodiscard]] const std::map<Fault, int>& Counts() const { return counts_; }
  // Time in which nothing could begin, and the longest a phone was kept from its job.
  [[nodiscard]] Millis Outage() const { return outage_; }
  [[nodiscard]] Millis LongestAway() const;

 private:
  using Handler = bool (Trouble::*)(int phone);
  struct Row {
    Fault fault;
    Handler strike;  // false: it does not apply now
  };
  static const std::vector<Row> kHandlers;

  void Strike(Planned& planned);
  void Mark(Fault fault, int phone);
  void MarkAll(Fault fault);
  void Later(Millis time, std::function<void()> call);  // what has begun goes on
  void Give(int phone, int site);
  Millis Away(int phone, Millis time);

  bool Unplug(int phone);
  bool TakeAway(int phone);
  bool Replace(int phone);
  bool SwapTwo(int phone);
  bool Move(int phone);
  bool CutHubPower(int phone);
  bool KillWorker(int phone);
  bool HangWorker(int phone);
  bool CrashDaemon(int phone);
  bool CrashMux(int phone);
  bool MakeSigningBusy(int phone);
  bool RefuseSigning(int phone);
  bool Cancel(int phone);
  bool Disarm(int phone);
  bool EmergencyStop(int phone);
  // Another phone says the same of itself: only their ports tell them apart, so they stay there.
  [[nodiscard]] bool HasDouble(int phone) const;
  [[nodiscard]] bool ShowsIts(int phone, std::set<PortState> states);

  Clock& clock_;
  Random& random_;
  Scenario& scenario_;
  Floor& floor_;
  MemoryLedger& ledger_;
  Processes& processes_;
  Station& station_;
  Operators& operators_;
  int outstanding_ = 0;
  bool stopped_ = false;
  bool emergency_ = false;
  Millis outage_{0};
  std::map<int, Millis> away_;
  std::map<int, std::vector<Struck>> struck_;
  std::map<Fault, int> counts_;
  std::set<int> busy_, refused_;  // what the signing server will say
  std::set<int> gone_;            // taken away, replaced
};

}  // namespace station::simulation
