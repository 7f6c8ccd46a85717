#pragma once
// The .bbfw of a firmware, a zip, made into the one zip that a phone's baseband accepts: signatures
// placed, the rest thrown out, the ticket added (restore-protocol 6.7, "BasebandData").

#include <cstdint>
#include <span>
#include <vector>

#include "station/base/result.h"
#include "station/plist/plist.h"

namespace station::restore {

// `answer`: the signing server's, with BBTicket and BasebandFirmware. In the first round the phone
// gives no nonce and gets only what is signed; with one it gets the images and the ticket.
// kFirmwareMalformed, kFirmwareMemberMissing (a file the signature is for), kUpdaterUnsupported (an
// element unknown to this version), kSigningBadAnswer.
[[nodiscard]] Result<std::vector<std::uint8_t>> BuildBasebandPackage(
    std::span<const std::uint8_t> bbfw, plist::View answer, std::uint64_t chip_id, bool has_nonce);

}  // namespace station::restore
