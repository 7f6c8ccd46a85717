#pragma once
// The closed lists every part of the station speaks in. Numbered, append-only, mirrored in
// proto/station/v1 (a test compares them), with the same names in API, metrics, logs, ledger and
// runbook.

#include <array>
#include <cstdint>
#include <string_view>

namespace station {

// What a phone's USB presence says it is running.
enum class PhoneMode : std::uint8_t {
  kNone = 0,
  kNormal = 1,
  kRecovery = 2,
  kDfu = 3,
  kRestore = 4,
  kOther = 5,  // one the station cannot talk to (restore-protocol 1.1: debug USB, port DFU, WTF)
};

// What stands at a port, as an operator sees it.
enum class PortState : std::uint8_t {
  kEmpty = 0,        // nothing plugged in
  kIdentifying = 1,  // a phone is there, a worker asks which one
  kIdle = 2,         // known phone, not armed: left alone
  kArmed = 3,        // the countdown to its job runs; can still be disarmed
  kHeld = 4,         // armed, but something is missing; says what, goes on by itself
  kQueued = 5,       // waits for a free worker slot
  kWorking = 6,      // a worker restores it
  kCancelling = 7,   // will stop after the destructive step it is in
  kDone = 8,         // restored
  kFailed = 9,       // ended otherwise; says what to do
};

// The story of a job (design: one job, step by step).
enum class Step : std::uint8_t {
  kNone = 0,
  kIdentify = 1,
  kGate = 2,
  kBackup = 3,
  kProveBackup = 4,
  kSign = 5,
  kEnterRecovery = 6,
  kBootRestoreOs = 7,
  kStream = 8,
  kFlash = 9,
  kConfirm = 10,
  kFollowUp = 11,
  kRecord = 12,
};

// How a job ended. Closed: nothing ends otherwise.
enum class Outcome : std::uint8_t {
  kNone = 0,  // still going
  kRestored = 1,
  kRestoredFollowUpFailed = 2,
  kHeld = 3,
  kNeedsButtons = 4,
  kNeedsCableOrPort = 5,
  kNeedsFirmwareOrSigning = 6,
  kNoSignOfLife = 7,
  kCancelled = 8,
  kIndeterminate = 9,
  kTried = 10,  // a dry run came to its end: its report says what would happen; nothing was written
};

// What is done to the phone.
// The last two are dry runs: they read, plan and report.
enum class Action : std::uint8_t {
  kIdentify = 0,
  kErase = 1,
  kUpdate = 2,
  kTryErase = 3,
  kTryUpdate = 4
};
[[nodiscard]] constexpr bool IsTry(Action action) {
  return action == Action::kTryErase || action == Action::kTryUpdate;
}
// What a dry run is about.
[[nodiscard]] constexpr Action Tried(Action action) {
  return action == Action::kTryUpdate  ? Action::kUpdate
         : action == Action::kTryErase ? Action::kErase
                                       : action;
}

// Whether new work begins.
enum class Drain : std::uint8_t {
  kOff = 0,
  kOn = 1,   // nothing new; what began goes on to its end
  kUps = 2,  // the power will fail: no further destructive step either, no further attempt
};

inline constexpr std::array kAllPhoneModes = {PhoneMode::kNone,     PhoneMode::kNormal,
                                              PhoneMode::kRecovery, PhoneMode::kDfu,
                                              PhoneMode::kRestore,  PhoneMode::kOther};
inline constexpr std::array kAllPortStates = {
    PortState::kEmpty, PortState::kIdentifying, PortState::kIdle,    PortState::kArmed,
    PortState::kHeld,  PortState::kQueued,      PortState::kWorking, PortState::kCancelling,
    PortState::kDone,  PortState::kFailed};
inline constexpr std::array kAllSteps = {
    Step::kNone,    Step::kIdentify,      Step::kGate,          Step::kBackup, Step::kProveBackup,
    Step::kSign,    Step::kEnterRecovery, Step::kBootRestoreOs, Step::kStream, Step::kFlash,
    Step::kConfirm, Step::kFollowUp,      Step::kRecord};
inline constexpr std::array kAllOutcomes = {Outcome::kNone,
                                            Outcome::kRestored,
                                            Outcome::kRestoredFollowUpFailed,
                                            Outcome::kHeld,
                                            Outcome::kNeedsButtons,
                                            Outcome::kNeedsCableOrPort,
                                            Outcome::kNeedsFirmwareOrSigning,
                                            Outcome::kNoSignOfLife,
                                            Outcome::kCancelled,
                                            Outcome::kIndeterminate,
                                            Outcome::kTried};
inline constexpr std::array kAllActions = {Action::kIdentify, Action::kErase, Action::kUpdate,
                                           Action::kTryErase, Action::kTryUpdate};

inline constexpr std::array kAllDrains = {Drain::kOff, Drain::kOn, Drain::kUps};

[[nodiscard]] std::string_view Name(PhoneMode mode);
[[nodiscard]] std::string_view Name(PortState state);
[[nodiscard]] std::string_view Name(Step step);
[[nodiscard]] std::string_view Name(Outcome outcome);
[[nodiscard]] std::string_view Name(Action action);
[[nodiscard]] std::string_view Name(Drain drain);

}  // namespace station
