#pragma once
// One restore as the phone lives it, from StartRestore to the last status: the chapters in order.

#include <string>
#include <vector>

#include "tests/rack/restore/step.h"

namespace rack {

// The names that faults know: every step, and "flash".
[[nodiscard]] std::vector<std::string> RestoreStepNames();

class RestoreStory {
 public:
  RestoreStory(Phone& phone, Attachment& attachment, FdrControl& fdr, Dialogue& dialogue);

  // Runs all steps and reports the outcome to the host. False when it failed.
  bool Run();
  // After the working connection is done with: lets the phone leave.
  void Leave(bool succeeded);

 private:
  [[nodiscard]] bool RunChapter(const Chapter& chapter);
  [[nodiscard]] bool RunStep(const Step& step);
  [[nodiscard]] StepResult Perform(const Step& step, std::int64_t& status);
  void Open(const Checkpoint& checkpoint);
  void Close(const Checkpoint& checkpoint);
  // To `status` and to the host.
  void Fail(const Step& step, Refusal refusal, std::int64_t status);

  RestoreRun run_;
  const std::uint64_t boot_number_;
  std::vector<Checkpoint> open_;  // outermost first
  std::string log_;               // what the phone sends with a failure
};

}  // namespace rack
