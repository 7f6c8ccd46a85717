#pragma once
// Single tasks of a fetcher beside imports: each is started once and its answer brought to whoever
// asked. One that an earlier daemon started is not known here, and nobody waits for it.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "station/daemon/cart/clock.h"
#include "station/daemon/supervise/tasks.h"

namespace station::daemon {

class Errands : public TaskListener {
 public:
  struct Answer {
    Ended ended;  // error kNone: done
    std::vector<Offer> offers = {};
  };
  struct Asker {
    std::function<void(const Answer&)> done;  // exactly once, never from within Start
    std::function<void(const ProgressReport&)> progress = [](const ProgressReport&) {};
  };
  Errands(Clock& clock, Workers& workers) : clock_(clock), workers_(workers) {}

  // `kind` begins the task's name, which is answered: "find", "check", "export".
  std::string Start(const std::string& kind, decltype(Task::orders) orders, Asker asker);
  void Cancel(const std::string& task) { workers_.Cancel(task); }

  void OnProgress(const std::string& task, const ProgressReport& report) override;
  void OnFound(const std::string& task, const std::vector<Offer>& offers) override;
  void OnFinished(const std::string& task, const Ended& ended) override;
  void OnGone(const std::string& task) override;
  void OnIdentified(const std::string&, const ledger::PhoneFacts&) override {}
  void OnStep(const std::string&, const StepReport&) override {}
  void OnImported(const std::string&, const store::Entry&) override {}

 private:
  struct Errand {
    Asker asker;
    std::vector<Offer> offers;
  };
  void End(const std::string& task, const Ended& ended);

  Clock& clock_;
  Workers& workers_;
  std::map<std::string, Errand> running_;  // by task
  std::int64_t last_number_ = 0;
};

}  // namespace station::daemon
