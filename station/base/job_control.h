#pragma once
// What the long work inside a job needs from whoever runs it: somewhere to report to, and whether to go on.

#include <chrono>
#include <cstdint>

#include "station/base/result.h"

namespace station {

class JobControl {
 public:
  virtual ~JobControl() = default;
  // Within the current step; fraction 0..1, bytes 0 when none are moved. Cheap to call often.
  virtual void Progress(double fraction, std::uint64_t bytes_done, std::uint64_t bytes_total) = 0;
  // kCancelled or kEmergencyStop when the job must end here. Inside a destructive step it always answers yes.
  [[nodiscard]] virtual Status KeepGoing() = 0;
  // Waits that long, answering early (with the reason) when the job must end.
  [[nodiscard]] virtual Status Pause(std::chrono::milliseconds time) = 0;
};

}  // namespace station
