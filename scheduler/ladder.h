#pragma once
// What is done to a port before the next attempt of its job: one rung higher after each failure,
// from the error code alone.

#include <array>
#include <cstdint>
#include <string_view>

#include "station/base/error_code.h"

namespace station::scheduler {

enum class Rung : std::uint8_t {
  kNone,        // a first attempt, or one by hand
  kAgain,       // nothing: once more
  kUsbReset,    // the phone's device is reset
  kPortPower,   // its port is switched off and on
  kMuxRestart,  // usbmuxd is started anew, which only happens while no other restore runs
  kQuarantine,  // no further attempt
};
inline constexpr std::array kAllRungs = {Rung::kNone,      Rung::kAgain,      Rung::kUsbReset,
                                         Rung::kPortPower, Rung::kMuxRestart, Rung::kQuarantine};
[[nodiscard]] std::string_view Name(Rung rung);

// What can be done here and now.
struct Means {
  bool port_power = true;    // the hub was not found unable
  bool mux_restart = false;  // configured, and no other restore runs
};

// After attempt number `attempt` (from 1) failed with `code`. A rung that cannot be climbed is left
// out.
[[nodiscard]] Rung NextRung(ErrorCode code, int attempt, const Means& means);

// How many attempts a job begins by itself after `code`, at most.
[[nodiscard]] int AutomaticRetries(ErrorCode code);

}  // namespace station::scheduler
