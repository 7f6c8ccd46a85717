#pragma once
// The baseband's ticket, alone and together with the AP's (restore-protocol 5.3, 5.5).

#include <cstdint>
#include <optional>
#include <span>

#include "station/base/ids.h"
#include "station/base/result.h"
#include "station/firmware/build_manifest.h"
#include "station/plist/plist.h"

namespace station::signing {

// What the phone says of its baseband; borrows.
struct BasebandChip {
  std::uint64_t chip_id = 0;
  std::uint64_t certificate_id = 0;
  std::span<const std::uint8_t> serial;
  std::span<const std::uint8_t> nonce;  // empty in the first of the rounds
};

// kRestoreDialogue without a serial number, kFirmwareMemberMissing when the identity has no
// baseband firmware.
[[nodiscard]] Result<plist::Plist> BuildBasebandRequest(const firmware::Identity& identity,
                                                        Ecid ecid, const BasebandChip& chip);

// Adds the baseband, and an eUICC that signs for itself, to an AP request, from lockdown's
// FirmwarePreflightInfo. Nothing when that is absent or tells no serial number.
void AddPreflightBaseband(plist::Plist& request, const firmware::Identity& identity,
                          plist::View preflight);

// BBTicket and BasebandFirmware must be there: kSigningBadAnswer.
[[nodiscard]] Status CheckBasebandAnswer(plist::View answer);

}  // namespace station::signing
