#include "tests/rack/restore/charge.h"

#include <fmt/format.h>

namespace rack {
namespace {

constexpr int kEnough = 5;                          // per cent
constexpr std::chrono::milliseconds kPerCent{200};  // far quicker than any charger
constexpr int kWaitingForCharge = 39;

}  // namespace

bool BatteryIsLow(const RestoreRun& run) { return run.phone.State().battery < kEnough; }

StepResult WaitForCharge(RestoreRun& run) {
  for (PhoneState state = run.phone.State(); state.battery < kEnough; state = run.phone.State()) {
    if (!state.charging)
      return Refused(Reason::kBattery, fmt::format("battery at {} %, no charger", state.battery));
    if (!run.attachment.Wait(kPerCent))
      return Refused(Reason::kUnplugged, "cable pulled while charging");
    run.phone.Change([](PhoneState& phone) { ++phone.battery; });
    run.dialogue.Progress(kWaitingForCharge, (state.battery + 1) * 100 / kEnough);
  }
  return {};
}

}  // namespace rack
