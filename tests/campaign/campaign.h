#pragma once
// Carries a plan out on real processes: a rack, a stationd that is started again whenever it dies,
// an operator who retries what the table says. What is on the phones is the rack's word.

#include <yaml-cpp/yaml.h>

#include <map>
#include <string>
#include <vector>

#include "tests/campaign/plan.h"
#include "tests/integration/bench.h"
#include "tests/rack/wire/value.h"

namespace campaign {

// What became of the restores that met one fault.
struct Tally {
  int restores = 0;
  int as_expected = 0;
  int restored_in_the_end = 0;
  std::map<std::string, int> chains;  // "RESTORED after 2"
};

struct Verdict {
  int restores = 0;
  int restored = 0;      // in the end, with the operator's retries
  int unexpected = 0;    // outcomes other than the table's
  int wrong_phones = 0;  // with something on them that no job of theirs put there
  int lost_rows = 0;     // of the ledger
  double seconds = 0;
  std::map<std::string, Tally> by_fault;
  std::vector<std::string> complaints;
  [[nodiscard]] bool Holds() const;
};

class Campaign {
 public:
  explicit Campaign(std::filesystem::path bin);
  [[nodiscard]] Verdict Run(const std::vector<Round>& plan);

 private:
  // One restore on its way.
  struct Restore {
    const Draw* draw;
    const FaultRow* expected;
    int round;
    std::int64_t after_job;  // the phone's job before it
    enum class Stage { kRuns, kRetried, kOver } stage = Stage::kRuns;
    bool struck = false;  // what the campaign itself does to it was done
    int attempts = 0;     // of the first chain
    std::chrono::steady_clock::time_point since;
  };
  struct OnPhone {
    std::string digest;
    std::uint64_t restores = 0;
  };

  void Prepare();
  void RunRound(int number, const Round& round);
  void AwaitFree(const Round& round);
  void SetUp(const Round& round);
  void FetchAnew(const CommonRow& fault);
  void Arm(int number, const Round& round);
  // Looks at all restores under way once, and does what is due.
  void Turn();
  void Strike(const Round& round);
  void StrikeOne(Restore& restore, const YAML::Node& job);
  void Ended(Restore& restore, const YAML::Node& job);
  void Retry(Restore& restore, const YAML::Node& job);
  void Close(Restore& restore, const YAML::Node& job);
  void CheckBystanders(int number, const Round& round);
  void CheckLedger();
  [[nodiscard]] bool Busy(bool slow_too) const;
  [[nodiscard]] YAML::Node Jobs();
  [[nodiscard]] std::map<std::string, YAML::Node> NewestJobs();
  void Complain(int& count, const std::string& what);
  // The rack, without a process in between.
  void Tell(const std::string& command, const std::string& phone, const std::string& words);
  [[nodiscard]] std::map<std::string, rack::Value> Phones() const;

  station::integration::Bench bench_;
  std::map<std::string, std::vector<station::integration::Forged>> firmware_;  // by product
  std::map<std::string, std::string> urls_;                                    // by SHA-256
  std::map<std::string, std::int64_t> last_job_;                               // by ECID
  std::map<std::string, OnPhone> on_phone_;                                    // by name
  std::vector<Restore> restores_;
  const Round* round_ = nullptr;
  bool common_struck_ = false;
  int armed_ = 0;
  Verdict verdict_;
};

}  // namespace campaign
