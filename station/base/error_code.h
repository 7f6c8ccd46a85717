#pragma once
// Every way a job, a command or the station itself can fail. Numbers are for ever: append only, never reuse.
// Mirrored by station.v1.ErrorCode (a test compares them). Each has a line for the operator: OperatorLine().

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace station {

enum class ErrorCode : std::uint16_t {
  kNone = 0,

  // 1xx: the station itself
  kInternal = 100,
  kIo = 101,
  kDiskFull = 102,
  kConfigInvalid = 103,
  kBadRequest = 104,
  kNotFound = 105,
  kAlreadyExists = 106,
  kLinkVersion = 107,
  kLinkLost = 108,
  kWorkerDied = 109,
  kWorkerStart = 110,
  kCancelled = 111,
  kEmergencyStop = 112,
  kStepTimeout = 113,
  kLedger = 114,
  kUsbViewNotInForce = 115,
  kUnavailable = 116,
  kPermissionDenied = 117,
  kArmingExpired = 118,
  kDraining = 119,
  kPortPowerUnsupported = 120,
  kPortAct = 121,

  // 2xx: firmware and store
  kFirmwareUnreadable = 200,
  kFirmwareHashMismatch = 201,
  kFirmwareMalformed = 202,
  kFirmwareNoIdentity = 203,
  kFirmwareAmbiguousIdentity = 204,
  kFirmwareMemberMissing = 205,
  kFirmwareRotted = 206,
  kFirmwareAbsent = 207,
  kFirmwareUnsupported = 208,
  kFirmwareDownload = 209,
  kFirmwareSizeMismatch = 210,
  kFirmwareSourcesDisagree = 211,

  // 3xx: signing
  kSigningUnreachable = 300,
  kSigningRefused = 301,
  kSigningNotSigned = 302,
  kSigningBadAnswer = 303,
  kTicketWrongEcid = 304,
  kTicketWrongNonce = 305,
  kTicketWrongComponent = 306,
  kSigningBasebandRefused = 307,
  kSigningMalformed = 308,
  kSigningDeclined = 309,
  kSigningBusy = 310,
  kSigningNonceRefused = 311,

  // 4xx: the phone in normal mode
  kPhoneGone = 400,
  kPhoneMismatch = 401,
  kMuxUnreachable = 402,
  kLockdown = 403,
  kPairingNeeded = 404,
  kEnterRecoveryRefused = 405,
  kPhoneIdentityUnreadable = 406,
  kNeverWipe = 407,
  kProductUnknown = 408,
  kStashbagNotEntered = 409,
  kStashbagFailed = 410,
  kPhoneNotListed = 411,
  kPortQuarantined = 412,

  // 5xx: the phone in DFU or recovery
  kRecoveryOpen = 500,
  kRecoveryNonceMissing = 501,
  kRecoveryUpload = 502,
  kRecoveryCommand = 503,
  kBootRejectedTicketEcid = 504,
  kBootRejectedNonce = 505,
  kBootRejectedComponent = 506,
  kBootRejected = 507,
  kNoReconnect = 508,
  kRestoreModeNotReached = 509,
  kNeedsButtons = 510,
  kNonceChanged = 511,
  kNoSignOfLife = 512,

  // 6xx: restore mode
  kRestoredUnreachable = 600,
  kRestoreDialogue = 601,
  kAsrConnect = 602,
  kAsrTransfer = 603,
  kAsrRange = 604,
  kDeviceStatus = 605,
  kDeviceStatusVerification = 606,
  kDeviceStatusDisk = 607,
  kDeviceStatusSep = 608,
  kDeviceStatusFdr = 609,
  kDeviceStatusBaseband = 610,
  kDeviceSilent = 611,
  kUpdaterUnsupported = 612,
  kNotConfirmed = 613,
  kHostTooOld = 614,
  kDeviceStatusMount = 615,
  kDeviceStatusUpdater = 616,
  kDeviceStatusImage = 617,
  kDeviceStatusTicket = 618,
  kUpdaterLoop = 619,
  kAssetUnreachable = 620,
};

// Which remedy a code calls for; stationctl's exit code and the outcome of a job follow from it.
enum class ErrorClass : std::uint8_t { kNone, kStation, kFirmware, kSigning, kPhone, kCable, kOperator, kStopped };

struct ErrorInfo {
  ErrorCode code;
  std::string_view name;           // snake_case, as in API, metrics, logs and runbook
  ErrorClass error_class;
  std::string_view operator_line;  // what to do, one line
};

// The whole table, in the order of the numbers.
[[nodiscard]] std::span<const ErrorInfo> AllErrorCodes();
[[nodiscard]] const ErrorInfo& Info(ErrorCode code);
[[nodiscard]] inline std::string_view Name(ErrorCode code) { return Info(code).name; }
[[nodiscard]] inline std::string_view OperatorLine(ErrorCode code) { return Info(code).operator_line; }
// Nothing for a number this version does not know.
[[nodiscard]] std::optional<ErrorCode> ErrorCodeFromNumber(std::uint32_t number);

}  // namespace station
