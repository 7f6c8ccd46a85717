#pragma once
// A job ends once: whoever says so first, the story itself or the watch over it, has said it for
// good.

#include <atomic>

#include "station/worker/daemon_link.h"
#include "station/worker/job_reporter.h"
#include "worker/v1/worker.pb.h"

namespace station::worker {

class LastWord {
 public:
  LastWord(DaemonLink& link, JobReporter& reporter) : link_(link), reporter_(reporter) {}
  // Writes it down, then tells the daemon (and waits for one that is away). False when the end was
  // said before.
  bool Say(v1::Finished finished);
  // The end as it is told: step, error code and context. A success has neither of the two.
  [[nodiscard]] v1::Finished Describe(const Status& result) const;
  [[nodiscard]] bool Said() const { return said_; }

 private:
  DaemonLink& link_;
  JobReporter& reporter_;
  std::atomic<bool> said_{false};
};

}  // namespace station::worker
