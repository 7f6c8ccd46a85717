#include "station/worker/watchdog.h"

namespace station::worker {
namespace {
constexpr std::chrono::milliseconds kLook{100};

std::string Seconds(std::chrono::seconds time) { return std::to_string(time.count()) + " s"; }
}  // namespace

std::optional<Error> Watch::Look() {
  const auto now = watched_.now();
  const JobReporter::Pulse pulse = watched_.pulse();
  const StepSpec& spec = Spec(pulse.step);
  const std::string step(Name(pulse.step));
  const std::chrono::seconds deadline = DeadlineOf(pulse.step, deadlines_);
  if (deadline.count() > 0 && now - pulse.began > deadline)
    return Error{ErrorCode::kStepTimeout, step + ": not done within " + Seconds(deadline)};
  if (spec.stall.count() > 0 && pulse.bytes_flow && now - pulse.last_byte > spec.stall)
    return Error{ErrorCode::kStepTimeout, step + ": not a byte more for " + Seconds(spec.stall)};
  const Status wanted = watched_.wanted();
  if (wanted || pulse.destructive) {
    wanted_since_.reset();
    return std::nullopt;
  }
  if (!wanted_since_) wanted_since_ = now;
  if (now - *wanted_since_ < grace_) return std::nullopt;
  return wanted.error();
}

Watchdog::Watchdog(Watch watch, std::function<bool(Error)> end_now)
    : thread_([watch = std::move(watch),
               end_now = std::move(end_now)](const std::stop_token& stop) mutable {
        while (!stop.stop_requested()) {
          if (auto reason = watch.Look(); reason && end_now(std::move(*reason))) return;
          std::this_thread::sleep_for(kLook);
        }
      }) {}

}  // namespace station::worker
