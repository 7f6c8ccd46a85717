#include "station/base/enums.h"

namespace station {

std::string_view Name(PhoneMode mode) {
  switch (mode) {
    case PhoneMode::kNone: return "none";
    case PhoneMode::kNormal: return "normal";
    case PhoneMode::kRecovery: return "recovery";
    case PhoneMode::kDfu: return "dfu";
    case PhoneMode::kRestore: return "restore";
    case PhoneMode::kOther: return "other";
  }
  return "unknown";
}

std::string_view Name(PortState state) {
  switch (state) {
    case PortState::kEmpty: return "empty";
    case PortState::kIdentifying: return "identifying";
    case PortState::kIdle: return "idle";
    case PortState::kArmed: return "armed";
    case PortState::kHeld: return "held";
    case PortState::kQueued: return "queued";
    case PortState::kWorking: return "working";
    case PortState::kCancelling: return "cancelling";
    case PortState::kDone: return "done";
    case PortState::kFailed: return "failed";
  }
  return "unknown";
}

std::string_view Name(Step step) {
  switch (step) {
    case Step::kNone: return "none";
    case Step::kIdentify: return "identify";
    case Step::kGate: return "gate";
    case Step::kBackup: return "backup";
    case Step::kProveBackup: return "prove_backup";
    case Step::kSign: return "sign";
    case Step::kEnterRecovery: return "enter_recovery";
    case Step::kBootRestoreOs: return "boot_restore_os";
    case Step::kStream: return "stream";
    case Step::kFlash: return "flash";
    case Step::kConfirm: return "confirm";
    case Step::kFollowUp: return "follow_up";
    case Step::kRecord: return "record";
  }
  return "unknown";
}

std::string_view Name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kNone: return "none";
    case Outcome::kRestored: return "restored";
    case Outcome::kRestoredFollowUpFailed: return "restored_follow_up_failed";
    case Outcome::kHeld: return "held";
    case Outcome::kNeedsButtons: return "needs_buttons";
    case Outcome::kNeedsCableOrPort: return "needs_cable_or_port";
    case Outcome::kNeedsFirmwareOrSigning: return "needs_firmware_or_signing";
    case Outcome::kNoSignOfLife: return "no_sign_of_life";
    case Outcome::kCancelled: return "cancelled";
    case Outcome::kIndeterminate: return "indeterminate";
    case Outcome::kTried: return "tried";
  }
  return "unknown";
}

std::string_view Name(Action action) {
  switch (action) {
    case Action::kIdentify: return "identify";
    case Action::kErase: return "erase";
    case Action::kUpdate: return "update";
    case Action::kTryErase: return "try_erase";
    case Action::kTryUpdate: return "try_update";
  }
  return "unknown";
}

std::string_view Name(Drain drain) {
  switch (drain) {
    case Drain::kOff: return "off";
    case Drain::kOn: return "on";
    case Drain::kUps: return "ups";
  }
  return "unknown";
}

}  // namespace station
