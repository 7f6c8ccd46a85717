#include "station/base/error_code.h"

#include <algorithm>
#include <array>

namespace station {
namespace {

using enum ErrorClass;
constexpr auto kTable = std::to_array<ErrorInfo>({
    {ErrorCode::kNone, "none", ErrorClass::kNone, "Nothing to do."},
    {ErrorCode::kInternal, "internal", kStation, "Fault in the station: keep the log and report it; retry the port."},
    {ErrorCode::kIo, "io", kStation, "A file could not be read or written: check the disk and its permissions, then retry."},
    {ErrorCode::kDiskFull, "disk_full", kStation, "The disk is full: free space or move the store, then retry."},
    {ErrorCode::kConfigInvalid, "config_invalid", kOperator, "Correct the configuration at the place named, then start again."},
    {ErrorCode::kBadRequest, "bad_request", kOperator, "The request is not valid: correct what the message names."},
    {ErrorCode::kNotFound, "not_found", kOperator, "No such thing: list what there is and use one of those names."},
    {ErrorCode::kAlreadyExists, "already_exists", kOperator, "It exists already: use it, or choose another name."},
    {ErrorCode::kLinkVersion, "link_version", kStation, "Worker and daemon are of different versions: install both from one release."},
    {ErrorCode::kLinkLost, "link_lost", kStation, "The worker lost the daemon: it goes on alone; look at the port again in a minute."},
    {ErrorCode::kWorkerDied, "worker_died", kStation, "The port's worker ended unexpectedly: retry the port."},
    {ErrorCode::kWorkerStart, "worker_start", kStation, "The port's worker could not be started: check the installation, then retry."},
    {ErrorCode::kCancelled, "cancelled", kStopped, "Cancelled by an operator: retry when wanted."},
    {ErrorCode::kEmergencyStop, "emergency_stop", kStopped, "Emergency stop is on: release it, then retry."},
    {ErrorCode::kStepTimeout, "step_timeout", kCable, "The step took too long: check cable and port, then retry."},
    {ErrorCode::kLedger, "ledger", kStation, "The ledger cannot be written, so nothing is started: check its disk."},
    {ErrorCode::kUsbViewNotInForce, "usb_view_not_in_force", kStation, "The worker does not see its own port alone and stopped: reinstall the station."},
    {ErrorCode::kUnavailable, "unavailable", kStation, "The station is not ready yet or is shutting down: try again shortly."},
    {ErrorCode::kPermissionDenied, "permission_denied", kOperator, "This socket's role may not do that: use the operator or admin socket."},
    {ErrorCode::kArmingExpired, "arming_expired", kStopped, "The arming ended before anything was wiped: arm the port anew."},
    {ErrorCode::kDraining, "draining", kOperator, "The station is drained: nothing new begins until stationctl drain --off."},
    {ErrorCode::kPortPowerUnsupported, "port_power_unsupported", kOperator, "This hub cannot switch the power of a single port: pull the plug for five seconds and put it back."},
    {ErrorCode::kPortAct, "port_act", kStation, "The port could not be reset or switched: check the udev rules (stationctl doctor), then do it again."},

    {ErrorCode::kFirmwareUnreadable, "firmware_unreadable", kFirmware, "The firmware file cannot be opened or read: check path and permissions."},
    {ErrorCode::kFirmwareHashMismatch, "firmware_hash_mismatch", kFirmware, "The firmware is not what its hash says: fetch it again; the damaged file was not kept."},
    {ErrorCode::kFirmwareMalformed, "firmware_malformed", kFirmware, "The file is not a sound IPSW: fetch it again from its source."},
    {ErrorCode::kFirmwareNoIdentity, "firmware_no_identity", kFirmware, "This firmware is not for this model: import one that is."},
    {ErrorCode::kFirmwareAmbiguousIdentity, "firmware_ambiguous_identity", kFirmware, "This firmware has several answers for this model: see the candidates in the message."},
    {ErrorCode::kFirmwareMemberMissing, "firmware_member_missing", kFirmware, "The IPSW lacks a file its manifest names: fetch it again."},
    {ErrorCode::kFirmwareRotted, "firmware_rotted", kFirmware, "The stored firmware no longer matches its digests: import it again and check the disk."},
    {ErrorCode::kFirmwareAbsent, "firmware_absent", kFirmware, "No firmware for this model is in the store: import one, the phone goes on by itself."},
    {ErrorCode::kFirmwareUnsupported, "firmware_unsupported", kFirmware, "This firmware needs something this version cannot do: see the message, update the station."},
    {ErrorCode::kFirmwareDownload, "firmware_download", kFirmware, "The download failed: check the network, then ask for it again; what has come is kept."},
    {ErrorCode::kFirmwareSizeMismatch, "firmware_size_mismatch", kFirmware, "The file has another size than announced: the mirror is stale or wrong, use another source."},
    {ErrorCode::kFirmwareSourcesDisagree, "firmware_sources_disagree", kFirmware, "Two catalogues say different things of this build: see the message, give the hash yourself."},

    {ErrorCode::kSigningUnreachable, "signing_unreachable", kSigning, "The signing server cannot be reached: check network and proxy, then retry."},
    {ErrorCode::kSigningRefused, "signing_refused", kSigning, "The signing server refused this phone: see its message."},
    {ErrorCode::kSigningNotSigned, "signing_not_signed", kSigning, "This version is no longer signed for this model: import a newer firmware."},
    {ErrorCode::kSigningBadAnswer, "signing_bad_answer", kSigning, "The signing server's answer makes no sense: check for a proxy in between, then retry."},
    {ErrorCode::kTicketWrongEcid, "ticket_wrong_ecid", kSigning, "The ticket is for another phone: retry; if it repeats, report the signing server."},
    {ErrorCode::kTicketWrongNonce, "ticket_wrong_nonce", kSigning, "The ticket is for another boot of this phone: retry."},
    {ErrorCode::kTicketWrongComponent, "ticket_wrong_component", kSigning, "The ticket does not cover this firmware: import the firmware again, then retry."},
    {ErrorCode::kSigningBasebandRefused, "signing_baseband_refused", kSigning, "The signing server refused the baseband's data: retry; if it repeats, set the phone aside for repair."},
    {ErrorCode::kSigningMalformed, "signing_malformed", kSigning, "The signing server could not read the request: keep the log and report it; retrying will not help."},
    {ErrorCode::kSigningDeclined, "signing_declined", kSigning, "The signing server declines to sign for this phone: set it aside; see its message."},
    {ErrorCode::kSigningBusy, "signing_busy", kSigning, "The signing server is overloaded: the job tries again; if it goes on, wait an hour."},
    {ErrorCode::kSigningNonceRefused, "signing_nonce_refused", kSigning, "The signing server refused the phone's nonce: restart the phone, then retry."},

    {ErrorCode::kPhoneGone, "phone_gone", kCable, "The phone left the bus: check the cable, plug it back into the same port."},
    {ErrorCode::kPhoneMismatch, "phone_mismatch", kOperator, "Another phone is on this port than the job is for; nothing was written. Put the right phone back."},
    {ErrorCode::kMuxUnreachable, "mux_unreachable", kStation, "usbmuxd does not answer: start it (systemctl start usbmuxd), then retry."},
    {ErrorCode::kLockdown, "lockdown", kPhone, "The phone does not answer as it should: restart the phone, then retry."},
    {ErrorCode::kPairingNeeded, "pairing_needed", kOperator, "Unlock the phone and tap Trust, or put it into recovery mode by its buttons."},
    {ErrorCode::kEnterRecoveryRefused, "enter_recovery_refused", kOperator, "The phone refused to enter recovery mode: put it there by its buttons."},
    {ErrorCode::kPhoneIdentityUnreadable, "phone_identity_unreadable", kPhone, "The phone did not say which one it is: unplug it, restart it, plug it in again."},
    {ErrorCode::kNeverWipe, "never_wipe", kOperator, "This phone is on the never-wipe list: take it off the cart, or off the list."},
    {ErrorCode::kProductUnknown, "product_unknown", kOperator, "This model is not in the catalogue: update the station's catalogue."},
    {ErrorCode::kStashbagNotEntered, "stashbag_not_entered", kOperator, "The phone asks for its passcode to keep its data: enter it on the phone, or erase instead."},
    {ErrorCode::kStashbagFailed, "stashbag_failed", kPhone, "The phone could not prepare to keep its data: restart it and retry, or erase instead."},
    {ErrorCode::kPhoneNotListed, "phone_not_listed", kStation, "usbmuxd does not list this phone: unplug it and plug it in again; if that does not help, restart usbmuxd."},
    {ErrorCode::kPortQuarantined, "port_quarantined", kOperator, "Phones fail here and succeed on other ports: change its cable, then stationctl port service PORT --replaced cable."},

    {ErrorCode::kRecoveryOpen, "recovery_open", kCable, "The phone in recovery mode cannot be opened: check cable and udev rules, then retry."},
    {ErrorCode::kRecoveryNonceMissing, "recovery_nonce_missing", kPhone, "The phone gives no nonce: restart it into recovery mode, then retry."},
    {ErrorCode::kRecoveryUpload, "recovery_upload", kCable, "Sending to the phone failed: check cable and port, then retry."},
    {ErrorCode::kRecoveryCommand, "recovery_command", kCable, "The phone refused a recovery command: check cable and port, then retry."},
    {ErrorCode::kBootRejectedTicketEcid, "boot_rejected_ticket_ecid", kSigning, "The phone refused a ticket made for another phone: retry."},
    {ErrorCode::kBootRejectedNonce, "boot_rejected_nonce", kSigning, "The phone refused the ticket's nonce: retry, a new ticket is fetched."},
    {ErrorCode::kBootRejectedComponent, "boot_rejected_component", kCable, "A part of the firmware reached the phone damaged: retry; if it repeats, try another cable and port."},
    {ErrorCode::kBootRejected, "boot_rejected", kPhone, "The phone refused to boot what it was sent: retry; if it repeats, try another cable and port."},
    {ErrorCode::kNoReconnect, "no_reconnect", kCable, "The phone did not come back: check the cable; force-restart the phone, then retry."},
    {ErrorCode::kRestoreModeNotReached, "restore_mode_not_reached", kPhone, "The phone did not reach restore mode: retry; if it repeats, try another cable and port."},
    {ErrorCode::kNeedsButtons, "needs_buttons", kOperator, "Put the phone into recovery mode by its buttons; the job goes on by itself."},
    {ErrorCode::kNonceChanged, "nonce_changed", kSigning, "The phone changed its nonce after it was signed for: retry, a new ticket is fetched."},
    {ErrorCode::kNoSignOfLife, "no_sign_of_life", kPhone, "The phone did not react to its buttons either: charge it for an hour, try another cable, then set it aside for repair."},

    {ErrorCode::kRestoredUnreachable, "restored_unreachable", kPhone, "The phone in restore mode does not answer: retry from the mode it is in."},
    {ErrorCode::kRestoreDialogue, "restore_dialogue", kPhone, "The restore dialogue broke off: check the cable, then retry."},
    {ErrorCode::kAsrConnect, "asr_connect", kPhone, "The phone does not accept the system image: retry; if it repeats, try another port."},
    {ErrorCode::kAsrTransfer, "asr_transfer", kCable, "Sending the system image broke off: check cable and hub, then retry."},
    {ErrorCode::kAsrRange, "asr_range", kPhone, "The phone asked for a part of the image that does not exist: import the firmware again, then retry."},
    {ErrorCode::kDeviceStatus, "device_status", kPhone, "The phone reports that the restore failed: see its log, then retry."},
    {ErrorCode::kDeviceStatusVerification, "device_status_verification", kPhone, "The phone could not verify what it received: import the firmware again, then retry."},
    {ErrorCode::kDeviceStatusDisk, "device_status_disk", kPhone, "The phone's storage failed: set the phone aside for repair."},
    {ErrorCode::kDeviceStatusSep, "device_status_sep", kPhone, "The phone could not start its secure processor: retry once, then set it aside for repair."},
    {ErrorCode::kDeviceStatusFdr, "device_status_fdr", kPhone, "The phone could not fetch its factory data: check that Apple's servers are reachable, then retry."},
    {ErrorCode::kDeviceStatusBaseband, "device_status_baseband", kPhone, "The phone's baseband could not be updated: retry once, then set it aside for repair."},
    {ErrorCode::kDeviceSilent, "device_silent", kCable, "The phone stopped talking: check the cable, then retry."},
    {ErrorCode::kUpdaterUnsupported, "updater_unsupported", kFirmware, "The phone asked for an updater this version cannot serve: update the station."},
    {ErrorCode::kNotConfirmed, "not_confirmed", kPhone, "The phone said it was done but did not come back with the new system: look at it, then retry."},
    {ErrorCode::kHostTooOld, "host_too_old", kOperator, "This iOS needs a newer station: update the station before restoring this phone; nothing was erased."},
    {ErrorCode::kDeviceStatusMount, "device_status_mount", kPhone, "The phone could not mount its file systems: retry with erase; if it repeats, set it aside for repair."},
    {ErrorCode::kDeviceStatusUpdater, "device_status_updater", kPhone, "The phone could not update one of its chips: see its log, retry once, then set it aside for repair."},
    {ErrorCode::kDeviceStatusImage, "device_status_image", kPhone, "The phone could not install the system image: check cable and port, then retry."},
    {ErrorCode::kDeviceStatusTicket, "device_status_ticket", kSigning, "The phone did not accept its ticket: retry, a new ticket is fetched."},
    {ErrorCode::kUpdaterLoop, "updater_loop", kPhone, "The phone keeps asking for the same update and never takes it: see its log, then retry."},
    {ErrorCode::kAssetUnreachable, "asset_unreachable", kSigning, "What the phone needs from Apple's servers cannot be fetched: check network and proxy, then retry."},
});

constexpr bool Sorted() {
  for (std::size_t i = 1; i < kTable.size(); ++i)
    if (kTable[i - 1].code >= kTable[i].code) return false;
  return true;
}
static_assert(Sorted(), "error codes must stand in the order of their numbers");

}  // namespace

std::span<const ErrorInfo> AllErrorCodes() { return kTable; }

const ErrorInfo& Info(ErrorCode code) {
  const auto found = std::ranges::lower_bound(kTable, code, {}, &ErrorInfo::code);
  if (found != kTable.end() && found->code == code) return *found;
  return kTable[1];  // a code without a row is a fault of the station; the test names it
}

std::optional<ErrorCode> ErrorCodeFromNumber(std::uint32_t number) {
  for (const ErrorInfo& info : kTable)
    if (static_cast<std::uint32_t>(info.code) == number) return info.code;
  return std::nullopt;
}

}  // namespace station
