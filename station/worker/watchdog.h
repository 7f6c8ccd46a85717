#pragma once
// Watches over a job from a thread of its own: the story is linear and blocks in libraries that
// know neither a cancel nor a deadline.

#include <chrono>
#include <functional>
#include <optional>
#include <thread>

#include "station/base/result.h"
#include "station/base/step_table.h"
#include "station/worker/job_reporter.h"

namespace station::worker {

// What the watch sees; a fake in tests.
struct Watched {
  std::function<JobReporter::Pulse()> pulse;
  std::function<Status()> wanted;  // kCancelled, kEmergencyStop
  std::function<std::chrono::steady_clock::time_point()> now;
};

// Decides, look by look. Pure but for what it is given.
class Watch {
 public:
  // `grace`: how long a story may take to notice by itself that it is to end.
  // `deadlines`: of this station, where they are not the step table's.
  Watch(Watched watched, std::chrono::milliseconds grace, StepDeadlines deadlines = {})
      : watched_(std::move(watched)), grace_(grace), deadlines_(std::move(deadlines)) {}
  // The reason to end the job now, over the story's head: kCancelled and kEmergencyStop outside
  // destructive steps, kStepTimeout anywhere.
  [[nodiscard]] std::optional<Error> Look();

 private:
  Watched watched_;
  std::chrono::milliseconds grace_;
  StepDeadlines deadlines_;
  std::optional<std::chrono::steady_clock::time_point> wanted_since_;
};

class Watchdog {
 public:
  // Looks ten times a second until `end_now` says that it is over, or until it is destroyed.
  Watchdog(Watch watch, std::function<bool(Error)> end_now);

 private:
  std::jthread thread_;
};

}  // namespace station::worker
