#pragma once
// From a payload and a ticket to the IMG4 a phone accepts (restore-protocol 4.4), and the digest it will compare.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "station/base/result.h"
#include "station/image4/der.h"

namespace station::image4 {

// What the head of an IM4P says. kFirmwareMalformed when it is none.
struct PayloadHead {
  std::string type;               // four characters
  std::string description;
  std::size_t type_offset = 0;    // of the four characters, from the start of the IM4P
};
[[nodiscard]] Result<PayloadHead> ReadPayloadHead(Bytes im4p);

// Four-cc the payload of this component must carry when it is sent, where that differs from what the IPSW stores:
// DeviceTree and RestoreDeviceTree are one file. Nothing: leave as stored.
[[nodiscard]] std::optional<std::string_view> PatchedType(std::string_view component);

// An IMG4 in the pieces it is sent in; borrows the payload and the ticket.
class Personalised {
 public:
  // `type`: four-cc to write over the payload's own.
  [[nodiscard]] static Result<Personalised> Make(Bytes im4p, Bytes ticket, std::optional<std::string_view> type);
  [[nodiscard]] std::size_t Size() const;
  // In order; together they are the IMG4.
  [[nodiscard]] std::vector<Bytes> Pieces() const;
  [[nodiscard]] std::vector<std::uint8_t> Assemble() const;

 private:
  std::vector<std::uint8_t> head_;  // IMG4 header and the payload up to and with its type
  Bytes body_;                      // the payload behind its type
  std::vector<std::uint8_t> tail_;  // [0] header
  Bytes ticket_;
};

// Digest a phone computes of the payload after the type patch; by length of what the manifest states: 20 SHA-1, 32
// SHA-256, 48 SHA-384. kFirmwareUnsupported for another length.
[[nodiscard]] Result<std::vector<std::uint8_t>> PayloadDigest(Bytes im4p, std::optional<std::string_view> type,
                                                              std::size_t digest_size);

}  // namespace station::image4
