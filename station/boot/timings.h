#pragma once
// How long a phone may take to leave one mode and to show the next (restore-protocol 1.9: never
// less patient than the clients real phones are used to), and what it means when it does not.

#include <array>
#include <chrono>
#include <cstdint>

#include "station/base/error_code.h"

namespace station::boot {

enum class ModeChange : std::uint8_t {
  kEnterRecovery,      // lockdownd's EnterRecovery
  kRunIbss,            // port reset in DFU mode
  kRunIbec,            // `go`
  kRunKernel,          // `bootx`
  kLeaveRestore,       // restored's Reboot
  kStartAfterRestore,  // the restored phone's own reboot
  kLetGo,              // `reboot` in recovery mode
};

struct ChangeTiming {
  ModeChange change;
  std::chrono::seconds leave;   // until the old mode is gone
  std::chrono::seconds appear;  // from then until the new one is there
  ErrorCode stayed;             // it did not leave
  ErrorCode lost;               // nothing came
  const char* what;
};

using std::chrono::seconds;
inline constexpr auto kChangeTimings = std::to_array<ChangeTiming>({
    {ModeChange::kEnterRecovery, seconds(60), seconds(60), ErrorCode::kEnterRecoveryRefused,
     ErrorCode::kNoReconnect, "entering recovery mode"},
    {ModeChange::kRunIbss, seconds(10), seconds(20), ErrorCode::kBootRejected,
     ErrorCode::kNoReconnect, "starting iBSS"},
    {ModeChange::kRunIbec, seconds(20), seconds(60), ErrorCode::kBootRejected,
     ErrorCode::kNoReconnect, "starting iBEC"},
    {ModeChange::kRunKernel, seconds(30), seconds(300), ErrorCode::kBootRejected,
     ErrorCode::kRestoreModeNotReached, "starting the restore OS"},
    {ModeChange::kLeaveRestore, seconds(30), seconds(60), ErrorCode::kNeedsButtons,
     ErrorCode::kNoReconnect, "rebooting out of restore mode"},
    {ModeChange::kStartAfterRestore, seconds(300), seconds(300), ErrorCode::kNotConfirmed,
     ErrorCode::kNotConfirmed, "the reboot after the restore"},
    {ModeChange::kLetGo, seconds(10), seconds(60), ErrorCode::kNoReconnect, ErrorCode::kNoReconnect,
     "the reboot out of recovery mode"},
});

[[nodiscard]] constexpr const ChangeTiming& TimingOf(ModeChange change) {
  return kChangeTimings[static_cast<std::size_t>(change)];
}
constexpr bool TimingsInOrder() {
  for (std::size_t i = 0; i < kChangeTimings.size(); ++i)
    if (kChangeTimings[i].change != static_cast<ModeChange>(i)) return false;
  return true;
}
static_assert(TimingsInOrder(), "each change has its row, in the order of the enum");

// A device node may not be accessible yet when the phone has just arrived.
struct OpenPatience {
  int tries;
  std::chrono::milliseconds pause;
};
inline constexpr OpenPatience kOpenPatience{40, std::chrono::milliseconds(500)};

}  // namespace station::boot
