#pragma once
// The AP ticket: request for one phone, and the checks of the answer (restore-protocol 5.3, 5.4).

#include <cstdint>
#include <optional>
#include <vector>

#include "station/base/ids.h"
#include "station/base/result.h"
#include "station/firmware/build_manifest.h"
#include "station/image4/ticket.h"
#include "station/plist/plist.h"

namespace station::signing {

// What a ticket is bound to, as the phone itself said.
struct PhoneIdentity {
  Ecid ecid;
  std::uint32_t chip_id = 0;
  std::uint32_t board_id = 0;
  std::vector<std::uint8_t> ap_nonce{};   // 20 bytes up to A9, 32 from A10 on
  std::vector<std::uint8_t> sep_nonce{};  // 20 bytes; may be empty
  // Of lockdown's ApParameters, in normal mode, where it has them.
  std::optional<bool> uid_mode{};
  std::optional<std::uint64_t> sika_fuse{};
  // Lockdown's FirmwarePreflightInfo, in normal mode: with it the baseband is signed for in the
  // same request.
  plist::Plist preflight{};
};

// The request without client identification. kRecoveryNonceMissing without a nonce,
// kFirmwareMalformed when the identity lacks chip, board, security domain or UniqueBuildID.
[[nodiscard]] Result<plist::Plist> BuildApRequest(const firmware::Identity& identity,
                                                  const PhoneIdentity& phone);

// Is the entry of that component part of the AP request and so of the ticket (5.3, component
// selection)?
[[nodiscard]] bool BelongsInApRequest(const firmware::Component& component);

// Takes ApImg4Ticket out of the server's answer and checks that it is for this phone, this boot and
// this firmware: kSigningBadAnswer, kTicketWrongEcid, kTicketWrongNonce, kTicketWrongComponent
// (names it).
[[nodiscard]] Result<image4::Ticket> TakeTicket(plist::View answer,
                                                const firmware::Identity& identity,
                                                const PhoneIdentity& phone);

}  // namespace station::signing
