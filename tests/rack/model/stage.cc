#include "tests/rack/model/stage.h"

#include <algorithm>
#include <array>

namespace rack {
namespace {

using enum Stage;
using enum Event;

constexpr auto kTable = std::to_array<Transition>({
    {kNormal, kEnterRecovery, kIboot, Pause::kGap},
    {kIboot, kRunIbec, kIbec, Pause::kGap},
    {kIbec, kRunKernel, kRestore, Pause::kRestoreBoot},
    {kIbec, kPanic, kIboot, Pause::kGap},
    {kRestore, kRestoreSucceeded, kNormal, Pause::kFinish},
    {kRestore, kRestoreFailed, kIboot, Pause::kGap},

    {kNormal, kReboot, kWhateverBoots, Pause::kGap},
    {kIboot, kReboot, kWhateverBoots, Pause::kGap},
    {kIbec, kReboot, kWhateverBoots, Pause::kGap},
    {kRestore, kReboot, kWhateverBoots, Pause::kGap},

    {kNormal, kHoldForRecovery, kIboot, Pause::kGap},
    {kIboot, kHoldForRecovery, kIboot, Pause::kGap},
    {kIbec, kHoldForRecovery, kIboot, Pause::kGap},
    {kRestore, kHoldForRecovery, kIboot, Pause::kGap},
    {kOff, kHoldForRecovery, kIboot, Pause::kGap},

    {kNormal, kHoldForRestart, kWhateverBoots, Pause::kGap},
    {kIboot, kHoldForRestart, kWhateverBoots, Pause::kGap},
    {kIbec, kHoldForRestart, kWhateverBoots, Pause::kGap},
    {kRestore, kHoldForRestart, kWhateverBoots, Pause::kGap},

    {kNormal, kPowerOff, kOff, Pause::kGap},
    {kIboot, kPowerOff, kOff, Pause::kGap},
    {kIbec, kPowerOff, kOff, Pause::kGap},
    {kRestore, kPowerOff, kOff, Pause::kGap},
    {kOff, kPowerOn, kWhateverBoots, Pause::kGap},
});

}  // namespace

const Transition* FindTransition(Stage from, Event event) {
  const auto found = std::ranges::find_if(
      kTable, [&](const Transition& t) { return t.from == from && t.event == event; });
  return found == kTable.end() ? nullptr : &*found;
}

std::string_view Name(Stage stage) {
  switch (stage) {
    case kOff:
      return "off";
    case kNormal:
      return "normal";
    case kIboot:
      return "iboot";
    case kIbec:
      return "ibec";
    case kRestore:
      return "restore";
  }
  return "unknown";
}

std::string_view ModeName(Stage stage) {
  switch (stage) {
    case kOff:
      return "off";
    case kNormal:
      return "normal";
    case kIboot:
    case kIbec:
      return "recovery";
    case kRestore:
      return "restore";
  }
  return "unknown";
}

std::string_view Name(Event event) {
  switch (event) {
    case kEnterRecovery:
      return "enter_recovery";
    case kRunIbec:
      return "run_ibec";
    case kRunKernel:
      return "run_kernel";
    case kPanic:
      return "panic";
    case kReboot:
      return "reboot";
    case kRestoreSucceeded:
      return "restore_succeeded";
    case kRestoreFailed:
      return "restore_failed";
    case kHoldForRecovery:
      return "hold_for_recovery";
    case kHoldForRestart:
      return "hold_for_restart";
    case kPowerOff:
      return "power_off";
    case kPowerOn:
      return "power_on";
  }
  return "unknown";
}

}  // namespace rack
