#include "scheduler/verdict.h"

#include <algorithm>
#include <array>

namespace station::scheduler {
namespace {

constexpr int kCableRetries = 2;

// Codes whose outcome is not that of their class.
struct OutcomeRow {
  ErrorCode code;
  Outcome outcome;
};
constexpr auto kOutcomes = std::to_array<OutcomeRow>({
    {ErrorCode::kNone, Outcome::kRestored},
    {ErrorCode::kPairingNeeded, Outcome::kNeedsButtons},
    {ErrorCode::kEnterRecoveryRefused, Outcome::kNeedsButtons},
    {ErrorCode::kNeedsButtons, Outcome::kNeedsButtons},
    {ErrorCode::kRecoveryNonceMissing, Outcome::kNeedsButtons},
    {ErrorCode::kNoReconnect, Outcome::kNoSignOfLife},
    {ErrorCode::kNoSignOfLife, Outcome::kNoSignOfLife},
    {ErrorCode::kDeviceSilent, Outcome::kNoSignOfLife},
    {ErrorCode::kRestoredUnreachable, Outcome::kNoSignOfLife},
    {ErrorCode::kRestoreModeNotReached, Outcome::kNoSignOfLife},
    {ErrorCode::kInternal, Outcome::kIndeterminate},
    {ErrorCode::kLinkLost, Outcome::kIndeterminate},
    {ErrorCode::kWorkerDied, Outcome::kIndeterminate},
});

// What a further attempt may mend, beside faults of cable and port: the operator line says "retry".
struct RetryRow {
  ErrorCode code;
  int retries;
};
constexpr auto kRetries = std::to_array<RetryRow>({
    {ErrorCode::kNoReconnect, 0},  // the worker waited long enough for it
    {ErrorCode::kStepTimeout, 1},
    {ErrorCode::kMuxUnreachable, 2},  // each waits half a minute for it
    {ErrorCode::kFirmwareRotted, 1},  // waits until a sound copy is there
    {ErrorCode::kTicketWrongNonce, 1},
    {ErrorCode::kNonceChanged, 1},
    {ErrorCode::kSigningNonceRefused, 1},
    {ErrorCode::kSigningBasebandRefused, 1},
    {ErrorCode::kSigningBusy, 2},
    {ErrorCode::kBootRejectedTicketEcid, 1},
    {ErrorCode::kBootRejectedNonce, 1},  // the next ticket is for the nonce it has now
    {ErrorCode::kBootRejected, 1},
    {ErrorCode::kRestoreModeNotReached, 1},
    {ErrorCode::kRestoredUnreachable, 1},
    {ErrorCode::kRestoreDialogue, 1},
    {ErrorCode::kAsrConnect, 1},
    {ErrorCode::kDeviceStatusImage, 1},
    {ErrorCode::kDeviceStatusTicket, 1},
    {ErrorCode::kDeviceStatusSep, 1},
    {ErrorCode::kDeviceStatusBaseband, 1},
    {ErrorCode::kDeviceStatusUpdater, 1},
    {ErrorCode::kAssetUnreachable, 1},
});

struct HandsRow {
  ErrorCode code;
  Hands hands;
};
constexpr auto kHands = std::to_array<HandsRow>({
    {ErrorCode::kPairingNeeded, Hands::kIntoRecovery},
    {ErrorCode::kEnterRecoveryRefused, Hands::kIntoRecovery},
    {ErrorCode::kNeedsButtons, Hands::kIntoRecovery},
    {ErrorCode::kRecoveryNonceMissing, Hands::kIntoRecovery},
    {ErrorCode::kNoReconnect, Hands::kBackOnTheBus},
    {ErrorCode::kPhoneGone, Hands::kBackToLife},
    {ErrorCode::kRestoredUnreachable, Hands::kBackToLife},
});

Outcome OutcomeOfClass(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::kNone:
      return Outcome::kRestored;
    case ErrorClass::kStation:
    case ErrorClass::kPhone:
    case ErrorClass::kOperator:
      return Outcome::kHeld;
    case ErrorClass::kFirmware:
    case ErrorClass::kSigning:
      return Outcome::kNeedsFirmwareOrSigning;
    case ErrorClass::kCable:
      return Outcome::kNeedsCableOrPort;
    case ErrorClass::kStopped:
      return Outcome::kCancelled;
  }
  return Outcome::kIndeterminate;
}

}  // namespace

Outcome OutcomeOf(ErrorCode code) {
  const auto row = std::ranges::find(kOutcomes, code, &OutcomeRow::code);
  return row != kOutcomes.end() ? row->outcome : OutcomeOfClass(Info(code).error_class);
}

Hands HandsFor(ErrorCode code) {
  const auto row = std::ranges::find(kHands, code, &HandsRow::code);
  return row != kHands.end() ? row->hands : Hands::kNone;
}

int AutomaticRetries(ErrorCode code) {
  const auto row = std::ranges::find(kRetries, code, &RetryRow::code);
  if (row != kRetries.end()) return row->retries;
  return Info(code).error_class == ErrorClass::kCable ? kCableRetries : 0;
}

}  // namespace station::scheduler
