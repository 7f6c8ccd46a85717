#include "scheduler/verdict.h"

#include <algorithm>
#include <array>

namespace station::scheduler {
namespace {

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

}  // namespace station::scheduler
