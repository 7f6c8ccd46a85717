#include "tests/rack/model/stage.h"

#include <algorithm>
#include <array>

namespace rack {
namespace {

using enum Stage;
using enum Event;

constexpr auto kTable = std::to_array<Transition>({
    {kNormal, kEnterRecovery, kIboot, Pause::kGap},
    {kDfu, kRunIbss, kIbss, Pause::kGap},
    {kDfu, kImageRefused, kDfu, Pause::kGap},
    {kIboot, kRunIbec, kIbec, Pause::kGap},
    {kIbss, kRunIbec, kIbec, Pause::kGap},
    {kIbec, kRunKernel, kRestore, Pause::kRestoreBoot},
    {kIbec, kPanic, kIboot, Pause::kGap},
    {kRestore, kRestoreSucceeded, kNormal, Pause::kFinish},
    {kRestore, kRestoreFailed, kWhateverBoots, Pause::kGap},

    {kNormal, kReboot, kWhateverBoots, Pause::kGap},
    {kIboot, kReboot, kWhateverBoots, Pause::kGap},
    {kIbss, kReboot, kWhateverBoots, Pause::kGap},
    {kIbec, kReboot, kWhateverBoots, Pause::kGap},
    {kRestore, kReboot, kWhateverBoots, Pause::kGap},

    {kNormal, kHoldForRecovery, kIboot, Pause::kGap},
    {kDfu, kHoldForRecovery, kIboot, Pause::kGap},
    {kIboot, kHoldForRecovery, kIboot, Pause::kGap},
    {kIbss, kHoldForRecovery, kIboot, Pause::kGap},
    {kIbec, kHoldForRecovery, kIboot, Pause::kGap},
    {kRestore, kHoldForRecovery, kIboot, Pause::kGap},
    {kOff, kHoldForRecovery, kIboot, Pause::kGap},

    {kNormal, kHoldForRestart, kWhateverBoots, Pause::kGap},
    {kDfu, kHoldForRestart, kWhateverBoots, Pause::kGap},
    {kIboot, kHoldForRestart, kWhateverBoots, Pause::kGap},
    {kIbss, kHoldForRestart, kWhateverBoots, Pause::kGap},
    {kIbec, kHoldForRestart, kWhateverBoots, Pause::kGap},
    {kRestore, kHoldForRestart, kWhateverBoots, Pause::kGap},

    {kNormal, kHoldForDfu, kDfu, Pause::kGap},
    {kDfu, kHoldForDfu, kDfu, Pause::kGap},
    {kIboot, kHoldForDfu, kDfu, Pause::kGap},
    {kIbss, kHoldForDfu, kDfu, Pause::kGap},
    {kIbec, kHoldForDfu, kDfu, Pause::kGap},
    {kRestore, kHoldForDfu, kDfu, Pause::kGap},
    {kOff, kHoldForDfu, kDfu, Pause::kGap},

    {kNormal, kPowerOff, kOff, Pause::kGap},
    {kDfu, kPowerOff, kOff, Pause::kGap},
    {kIbss, kPowerOff, kOff, Pause::kGap},
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
    case kDfu:
      return "dfu";
    case kNormal:
      return "normal";
    case kIboot:
      return "iboot";
    case kIbss:
      return "ibss";
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
    case kDfu:
      return "dfu";
    case kNormal:
      return "normal";
    case kIboot:
    case kIbss:
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
    case kRunIbss:
      return "run_ibss";
    case kImageRefused:
      return "image_refused";
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
    case kHoldForDfu:
      return "hold_for_dfu";
    case kPowerOff:
      return "power_off";
    case kPowerOn:
      return "power_on";
  }
  return "unknown";
}

}  // namespace rack
