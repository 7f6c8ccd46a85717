#pragma once
// The people: they arm, cancel, disarm, stop, and in the end put right what can be put right. What
// was not answered they ask again under the same request id, as stationctl does.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/simulation/scenario.h"
#include "tests/simulation/station.h"

namespace station::simulation {

class Operators {
 public:
  Operators(Clock& clock, Floor& floor, MemoryLedger& ledger, Station& station, Watch& watch)
      : clock_(clock), floor_(floor), ledger_(ledger), station_(station), watch_(watch) {}

  // Arms the phones in as many batches as the scenario says.
  void Arm(const Scenario& scenario);
  void ArmPort(int site);
  void Cancel(int site);
  void Disarm(int site);
  void EmergencyStop(bool engaged);
  void Retry(int site, JobId job);
  // After a restart of the daemon: what it did not answer is asked again.
  void AskAgain();

  [[nodiscard]] bool Waiting() const { return !open_.empty(); }
  // What the station last refused to do at that port; empty: nothing.
  [[nodiscard]] std::string Refusal(int site) const {
    const auto found = refusals_.find(site);
    return found == refusals_.end() ? "" : found->second;
  }

 private:
  using Ask = std::function<void(const std::string& request)>;
  void Begin(Ask ask);
  void Done(const std::string& request) { open_.erase(request); }
  void SendArm(const daemon::ArmSpec& spec, const Permission& permission,
               const std::string& request);
  [[nodiscard]] const std::string& KeyOf(int site) const {
    return floor_.Sites()[static_cast<std::size_t>(site)].key.value;
  }
  template <typename Answer>
  [[nodiscard]] daemon::Act<Answer> Act(const std::string& request,
                                        std::function<std::string(const Answer&)> encode,
                                        std::function<void(const Result<Answer>&)> then);

  Clock& clock_;
  Floor& floor_;
  MemoryLedger& ledger_;
  Station& station_;
  Watch& watch_;
  std::map<std::string, Ask> open_;
  std::map<int, std::string> refusals_;
  int last_request_ = 0;
};

}  // namespace station::simulation
