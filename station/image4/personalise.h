#pragma once
// From a payload and a ticket to the IMG4 a phone accepts (restore-protocol 4.4), and the digest it
// will compare.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "station/base/result.h"
#include "station/image4/der.h"

namespace station::image4 {

// What the head of an IM4P says. kFirmwareMalformed when it is none.
struct PayloadHead {
  std::string type;  // four characters
  std::string description;
  std::size_t type_offset = 0;  // of the four characters, from the start of the IM4P
};
[[nodiscard]] Result<PayloadHead> ReadPayloadHead(Bytes im4p);

// Four-cc the payload of this component must carry when it is sent, where that differs from what
// the IPSW stores: DeviceTree and RestoreDeviceTree are one file. Nothing: leave as stored.
[[nodiscard]] std::optional<std::string_view> PatchedType(std::string_view component);

// What only one phone's copy of a payload carries beside the ticket, as IM4R; empty when there is
// nothing (4.4, step 3 and 4). `slot`: four-cc of the nonce slot property and the slot.
struct RestoreInfo {
  std::optional<std::pair<std::string_view, std::uint64_t>> nonce_slot;
  Bytes ucon, ucer;
};
[[nodiscard]] std::vector<std::uint8_t> WriteRestoreInfo(const RestoreInfo& info);

// What stands around a payload of that many bytes in an IMG4: head, and ticket with IM4R.
struct Img4Frame {
  std::vector<std::uint8_t> before;
  std::vector<std::uint8_t> after;
};
[[nodiscard]] Img4Frame FrameFor(std::uint64_t payload_size, Bytes ticket, Bytes restore_info = {});

// An IMG4 in the pieces it is sent in; borrows the payload.
class Personalised {
 public:
  // `type`: four-cc to write over the payload's own.
  [[nodiscard]] static Result<Personalised> Make(Bytes im4p, Bytes ticket,
                                                 std::optional<std::string_view> type,
                                                 Bytes restore_info = {});
  [[nodiscard]] std::size_t Size() const;
  // In order; together they are the IMG4.
  [[nodiscard]] std::vector<Bytes> Pieces() const;
  [[nodiscard]] std::vector<std::uint8_t> Assemble() const;

 private:
  std::vector<std::uint8_t> head_;  // IMG4 header and the payload up to and with its type
  Bytes body_;                      // the payload behind its type
  std::vector<std::uint8_t> tail_;
};

// Passes a payload on that comes in pieces, its type written over on the way: what the digest is
// of, and what is sent.
class PayloadStream {
 public:
  using Sink = std::function<Status(Bytes)>;
  PayloadStream(std::uint64_t size, std::optional<std::string_view> type, Sink sink);
  // kFirmwareMalformed when it is no IM4P of that size; the sink's errors.
  [[nodiscard]] Status Feed(Bytes piece);
  // After the last piece.
  [[nodiscard]] Status Finish();

 private:
  [[nodiscard]] Status PassHead();
  std::uint64_t size_;
  std::optional<std::string> type_;
  Sink sink_;
  std::vector<std::uint8_t> head_;  // until enough has come to find the type
  bool head_passed_ = false;
  std::uint64_t seen_ = 0;
};

// Digest a phone computes of the payload after the type patch; by length of what the manifest
// states: 20 SHA-1, 32 SHA-256, 48 SHA-384. kFirmwareUnsupported for another length.
[[nodiscard]] Result<std::vector<std::uint8_t>> PayloadDigest(Bytes im4p,
                                                              std::optional<std::string_view> type,
                                                              std::size_t digest_size);

}  // namespace station::image4
