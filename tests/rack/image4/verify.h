#pragma once
// How a boot stage judges an IMG4: the whole of it, in the order real stages do it, or a reason for
// refusing.

#include <expected>
#include <functional>
#include <span>
#include <string>

#include "tests/rack/image4/payload.h"
#include "tests/rack/image4/root.h"
#include "tests/rack/model/refusal.h"

namespace rack {

// What the verifying phone is, as burnt in and as drawn at this boot.
struct ChipIdentity {
  std::uint32_t chip = 0;
  std::uint32_t board = 0;
  std::uint64_t ecid = 0;
  std::uint32_t security_domain = 1;
  std::uint32_t security_epoch = 1;
  Bytes ap_nonce;
  Bytes sep_nonce;
  Generation generation;
};

struct VerifiedImage {
  std::string type;
  std::string description;
  std::span<const std::uint8_t> data;  // views into the image
  Bytes digest;                        // of the whole IM4P, as the ticket has it
  Bytes ticket_hash;
  Bytes ticket;
};

class Verifier {
 public:
  using TypeTest = std::function<bool(const std::string& type)>;

  Verifier(const RootOfTrust& root, const ChipIdentity& chip) : root_(root), chip_(chip) {}

  [[nodiscard]] std::expected<VerifiedImage, Refusal> CheckImage(std::span<const std::uint8_t> img4,
                                                                 const TypeTest& accepts) const;
  // Chain, signature and MANP alone; what restored does with the root ticket.
  [[nodiscard]] std::expected<Ticket, Refusal> CheckTicket(
      std::span<const std::uint8_t> im4m) const;

 private:
  // The ticket with what its leaf may sign.
  using Signed = std::pair<Ticket, LeafConstraints>;
  [[nodiscard]] std::expected<Signed, Refusal> CheckSigned(
      std::span<const std::uint8_t> im4m) const;
  [[nodiscard]] Refusal CheckIdentity(const PropertySet& identity) const;
  [[nodiscard]] Refusal CheckComponent(const PropertySet& component, const Payload& payload) const;

  const RootOfTrust& root_;
  const ChipIdentity& chip_;
};

// How a phone of that generation knows a ticket again: the hash of the whole IM4M. SHA-384 was seen
// on later chips (reference 4.5); that A7 to A9 use their SHA-1 here as for everything else is
// inferred.
[[nodiscard]] Bytes TicketHash(std::span<const std::uint8_t> im4m, const Generation& generation);
// The boot nonce that a generator makes: its hash, cut to the size of a nonce (reference 4.7).
[[nodiscard]] Bytes NonceFrom(std::span<const std::uint8_t> generator,
                              const Generation& generation);
// How a component is hashed for the ticket: by generation, but ftap and its kin SHA-256 everywhere
// (reference 4.5).
[[nodiscard]] HashKind ComponentHash(std::string_view type, const Generation& generation);

// The type an IMG4 claims to be, without believing anything else of it.
[[nodiscard]] std::optional<std::string> ImageType(std::span<const std::uint8_t> img4);

// Four-cc test for exactly one type.
[[nodiscard]] Verifier::TypeTest Only(std::string type);

}  // namespace rack
