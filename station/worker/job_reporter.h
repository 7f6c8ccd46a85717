#pragma once
// What a job in this worker reports and heeds: steps (journal first, then the daemon), progress,
// cancel, emergency stop.

#include <chrono>
#include <mutex>
#include <optional>

#include "station/base/enums.h"
#include "station/base/job_control.h"
#include "station/link/journal.h"
#include "station/worker/daemon_link.h"

namespace station::worker {

class JobReporter final : public JobControl {
 public:
  // Without a journal (identify jobs) steps are only reported. `destroyed_before`: an earlier
  // attempt of the job began a destructive step.
  JobReporter(DaemonLink& link, std::optional<link::JournalWriter> journal,
              bool destroyed_before = false);

  // Durable before it returns: a crash may lose how far a step got, never that it began. Refuses
  // (kCancelled, kEmergencyStop) what must not begin.
  [[nodiscard]] Status BeginStep(Step step);
  // The step was left by an error: from here on the job may be ended again.
  void NothingIsBeingDestroyed();
  void SetSignerRoot(const std::string& root);
  [[nodiscard]] Step CurrentStep() const;
  [[nodiscard]] bool DestroyedBefore() const;
  // For whoever watches over the job from another thread.
  struct Pulse {
    Step step = Step::kNone;
    bool destructive = false;
    std::chrono::steady_clock::time_point began;
    bool bytes_flow = false;  // some were moved in this step, and not yet all
    std::chrono::steady_clock::time_point last_byte;
  };
  [[nodiscard]] Pulse TakePulse() const;
  // kCancelled or kEmergencyStop when somebody wants the job to end, whether or not it may.
  [[nodiscard]] Status Wanted();
  // From here on everything is refused with `reason`: the job's end is about to be told. False when
  // a destructive step began meanwhile and `reason` is a mere stop.
  [[nodiscard]] bool Forbid(const Error& reason);
  // Writes the job's end down; the daemon is told by the caller.
  void JournalEnd(const v1::Finished& finished);

  void Progress(double fraction, std::uint64_t bytes_done, std::uint64_t bytes_total) override;
  [[nodiscard]] Status KeepGoing() override;
  [[nodiscard]] Status Pause(std::chrono::milliseconds time) override;

 private:
  [[nodiscard]] Status Refusal(bool about_to_destroy);
  DaemonLink& link_;
  mutable std::mutex mutex_;
  std::optional<link::JournalWriter> journal_;
  Step step_ = Step::kNone;
  bool destructive_ = false;
  bool destroyed_before_ = false;
  std::optional<Error> forbidden_;
  std::chrono::steady_clock::time_point step_began_ = std::chrono::steady_clock::now();
  std::uint64_t bytes_done_ = 0;
  std::uint64_t bytes_total_ = 0;
  std::chrono::steady_clock::time_point last_byte_{};
  std::string signer_root_;
  std::chrono::steady_clock::time_point next_progress_{};
  std::chrono::steady_clock::time_point next_poll_{};
};

}  // namespace station::worker
