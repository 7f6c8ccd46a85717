#pragma once
// One supervisor, two kinds of tasks: reports on imports go one way, those on ports the other.

#include "station/daemon/supervise/tasks.h"

namespace station::daemon {

class Listeners : public TaskListener {
 public:
  Listeners(TaskListener& ports, TaskListener& imports) : ports_(ports), imports_(imports) {}
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
  void OnGone(const std::string& task) override { Of(task).OnGone(task); }

 private:
  TaskListener& Of(const std::string& task) {
    return task.starts_with("import-") ? imports_ : ports_;
  }
  TaskListener& ports_;
  TaskListener& imports_;
};

}  // namespace station::daemon
