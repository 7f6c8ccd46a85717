#pragma once
// One supervisor, several kinds of tasks: reports on jobs, imports and errands each go their way.

#include "station/daemon/supervise/tasks.h"

namespace station::daemon {

class Listeners : public TaskListener {
 public:
  Listeners(TaskListener& ports, TaskListener& imports, TaskListener& errands)
      : ports_(ports), imports_(imports), errands_(errands) {}
  void OnIdentified(const std::string& task, const ledger::PhoneFacts& phone) override {
    Of(task).OnIdentified(task, phone);
  }
  void OnStep(const std::string& task, const StepReport& report) override {
    Of(task).OnStep(task, report);
  }
  void OnProgress(const std::string& task, const ProgressReport& report) override {
    Of(task).OnProgress(task, report);
  }
  void OnFinished(const std::string& task, const Ended& ended) override {
    Of(task).OnFinished(task, ended);
  }
  void OnImported(const std::string& task, const store::Entry& entry) override {
    Of(task).OnImported(task, entry);
  }
  void OnFound(const std::string& task, const std::vector<Offer>& offers) override {
    Of(task).OnFound(task, offers);
  }
  void OnGone(const std::string& task) override { Of(task).OnGone(task); }

 private:
  TaskListener& Of(const std::string& task) {
    if (task.starts_with("job-")) return ports_;
    return task.starts_with("import-") ? imports_ : errands_;
  }
  TaskListener& ports_;
  TaskListener& imports_;
  TaskListener& errands_;
};

}  // namespace station::daemon
