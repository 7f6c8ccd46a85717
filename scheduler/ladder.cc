#include "scheduler/ladder.h"

#include <algorithm>
#include <span>

namespace station::scheduler {
namespace {

using enum Rung;

constexpr std::array kOnce = {kAgain};
constexpr std::array kTwice = {kAgain, kAgain};
// Cable and port: the phone is alive, what lies between is not.
constexpr std::array kCable = {kAgain, kUsbReset, kPortPower};
constexpr std::array kMux = {kAgain, kMuxRestart, kAgain};  // each waits half a minute for it
constexpr std::array kOnceThenMux = {kAgain, kMuxRestart};

struct Row {
  ErrorCode code;
  std::span<const Rung> rungs;
};
// What a further attempt may mend, beside faults of cable and port: the operator line says "retry".
constexpr auto kLadders = std::to_array<Row>({
    {ErrorCode::kNoReconnect, {}},  // the worker waited long enough for it
    {ErrorCode::kStepTimeout, kOnce},
    {ErrorCode::kFirmwareRotted, kOnce},  // waits until a sound copy is there
    {ErrorCode::kTicketWrongNonce, kOnce},
    {ErrorCode::kNonceChanged, kOnce},
    {ErrorCode::kSigningNonceRefused, kOnce},
    {ErrorCode::kSigningBasebandRefused, kOnce},
    {ErrorCode::kSigningBusy, kTwice},
    {ErrorCode::kMuxUnreachable, kMux},
    {ErrorCode::kPhoneNotListed, kMux},
    {ErrorCode::kBootRejectedTicketEcid, kOnce},
    {ErrorCode::kBootRejectedNonce, kOnce},  // the next ticket is for the nonce it has now
    {ErrorCode::kBootRejected, kOnce},
    {ErrorCode::kRestoreModeNotReached, kOnce},
    {ErrorCode::kRestoredUnreachable, kOnceThenMux},
    {ErrorCode::kRestoreDialogue, kOnce},
    {ErrorCode::kAsrConnect, kOnce},
    {ErrorCode::kDeviceStatusImage, kOnce},
    {ErrorCode::kDeviceStatusTicket, kOnce},
    {ErrorCode::kDeviceStatusSep, kOnce},
    {ErrorCode::kDeviceStatusBaseband, kOnce},
    {ErrorCode::kDeviceStatusUpdater, kOnce},
    {ErrorCode::kAssetUnreachable, kOnce},
});

std::span<const Rung> LadderOf(ErrorCode code) {
  const auto row = std::ranges::find(kLadders, code, &Row::code);
  if (row != kLadders.end()) return row->rungs;
  if (Info(code).error_class == ErrorClass::kCable) return kCable;
  return {};
}

bool Climbs(Rung rung, const Means& means) {
  return (rung != kPortPower || means.port_power) && (rung != kMuxRestart || means.mux_restart);
}

}  // namespace

std::string_view Name(Rung rung) {
  switch (rung) {
    case kNone:
      return "none";
    case kAgain:
      return "again";
    case kUsbReset:
      return "usb_reset";
    case kPortPower:
      return "port_power";
    case kMuxRestart:
      return "usbmuxd_restart";
    case kQuarantine:
      return "quarantine";
  }
  return "unknown";
}

Rung NextRung(ErrorCode code, int attempt, const Means& means) {
  int number = 0;
  for (const Rung rung : LadderOf(code))
    if (Climbs(rung, means) && ++number == attempt) return rung;
  return kQuarantine;
}

int AutomaticRetries(ErrorCode code) { return static_cast<int>(LadderOf(code).size()); }

}  // namespace station::scheduler
