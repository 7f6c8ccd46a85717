#pragma once
// What a phone is running, and the one table of what can make it run something else.

#include <cstdint>
#include <optional>
#include <string_view>

namespace rack {

enum class Stage : std::uint8_t {
  kOff,
  kDfu,      // the boot ROM waits for an iBSS
  kNormal,   // the installed iOS
  kIboot,    // recovery: the iBoot on flash
  kIbss,     // recovery: the iBSS that the boot ROM was given
  kIbec,     // recovery: the iBEC that a host has sent
  kRestore,  // a restore ramdisk
};

enum class Event : std::uint8_t {
  kEnterRecovery,  // lockdownd request
  kRunIbss,        // USB reset after a good download in DFU mode
  kImageRefused,   // the same after a download that the boot ROM did not believe
  kRunIbec,        // `go` with a good iBEC
  kRunKernel,      // `bootx` with everything good
  kPanic,          // the kernel found nothing it could run
  kReboot,         // `reboot`, restored's Reboot request
  kRestoreSucceeded,
  kRestoreFailed,
  kHoldForRecovery,  // buttons
  kHoldForRestart,
  kHoldForDfu,
  kPowerOff,
  kPowerOn,
};

// Which of the cart's timings passes between detach and attach.
enum class Pause : std::uint8_t { kGap, kRestoreBoot, kFinish };

// Where the boot chain ends when the phone simply starts: decided by NOR, flash and NVRAM
// (PhoneState::WhatBoots).
inline constexpr std::optional<Stage> kWhateverBoots = std::nullopt;

struct Transition {
  Stage from;
  Event event;
  std::optional<Stage> to;  // kWhateverBoots
  Pause pause;
};

// Null when the event means nothing at that stage.
[[nodiscard]] const Transition* FindTransition(Stage from, Event event);

[[nodiscard]] std::string_view Name(Stage stage);      // "iboot"
[[nodiscard]] std::string_view ModeName(Stage stage);  // "recovery"
[[nodiscard]] std::string_view Name(Event event);

}  // namespace rack
