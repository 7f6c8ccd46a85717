#pragma once
// One cart from its seed to its end: plugged in, armed, troubled, put right, judged.

#include <map>
#include <optional>
#include <string>

#include "tests/simulation/trouble.h"

namespace station::simulation {

struct RunReport {
  std::uint64_t seed = 0;
  std::size_t ports = 0;
  std::size_t phones = 0;  // that were to be restored
  bool faults = false;
  std::size_t events = 0;
  std::uint64_t trace = 0;
  Millis makespan{
      0};            // from the arming to the end of the last job, before anybody put things right
  Millis oracle{0};  // with what was injected
  std::map<Fault, int> struck;
  std::map<Outcome, int> outcomes;        // of the first job of each phone; kNone: no job was made
  std::map<Outcome, int> final_outcomes;  // after things were put right
  std::optional<std::string> broken;      // the first broken invariant

  [[nodiscard]] double Ratio() const {
    return oracle.count() == 0
               ? 1
               : static_cast<double>(makespan.count()) / static_cast<double>(oracle.count());
  }
};

class Run {
 public:
  Run(const RunOptions& options, Stock& stock);
  [[nodiscard]] RunReport Go();

 private:
  void Connect();
  void PlugIn();
  void ArmWhenAllAreKnown();
  void LookAround();
  [[nodiscard]] bool Quiet();
  [[nodiscard]] std::string Unrest();  // what keeps it from being quiet
  void EndFirstRound();
  [[nodiscard]] bool PutRight(int phone);
  void OnJobEnded(const ledger::JobRow& job);
  void OnExit(const Process& process);
  void Judge();
  void JudgeFirst(int phone, Outcome outcome);
  void JudgeFinal(int phone);
  [[nodiscard]] bool Mends(int phone) const;
  [[nodiscard]] std::string Story(int phone) const;
  [[nodiscard]] int PhoneOf(Ecid ecid, const PortKey& port) const;
  [[nodiscard]] Millis Oracle() const;

  RunOptions options_;
  Random random_;
  Clock clock_;
  Floor floor_;
  Scenario scenario_;
  Wires wires_;
  ProcessHooks hooks_;
  MemoryLedger ledger_;
  Processes processes_;
  Watch watch_;
  Station station_;
  Operators operators_;
  Trouble trouble_;

  Millis armed_at_{0};
  Millis last_end_{0};
  bool second_round_ = false;
  bool over_ = false;
  std::map<int, Outcome> first_;  // by phone
  std::map<int, Millis> lost_;    // by phone: attempts that came to nothing
  std::map<int, int> helped_;     // by phone
  RunReport report_;
};

}  // namespace station::simulation
