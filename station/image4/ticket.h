#pragma once
// IM4M: Apple's signed statement that one phone, in one boot, may run these components (restore-protocol 4.3).

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "station/base/ids.h"
#include "station/base/result.h"
#include "station/image4/der.h"

namespace station::image4 {

class Ticket {
 public:
  Ticket(Ticket&&) noexcept = default;  // move-only: the elements borrow from bytes_
  Ticket& operator=(Ticket&&) noexcept = default;

  // Parses strictly and checks the signature with the ticket's own leaf certificate (whether its root is to be trusted
  // is the phone's to say). kSigningBadAnswer with the reason.
  [[nodiscard]] static Result<Ticket> Parse(std::vector<std::uint8_t> bytes);

  [[nodiscard]] const std::vector<std::uint8_t>& Raw() const { return bytes_; }
  // What it says about the phone; nothing when it does not say.
  [[nodiscard]] std::optional<std::uint64_t> Number(std::string_view property) const;         // "ECID", "CHIP", "BORD", "SDOM"
  [[nodiscard]] std::optional<std::vector<std::uint8_t>> Octets(std::string_view property) const;  // "BNCH", "snon"
  // DGST of a component ("ibec", "rosi"); nothing when the ticket does not cover it or gives no digest.
  [[nodiscard]] std::optional<std::vector<std::uint8_t>> Digest(std::string_view four_cc) const;
  [[nodiscard]] bool Covers(std::string_view four_cc) const;
  // Common name of the authority the chain ends in: names a rack's root where a rack signed.
  [[nodiscard]] const std::string& SignerRoot() const { return signer_root_; }
  // SHA-384 of the whole ticket (restore-protocol 4.5).
  [[nodiscard]] std::vector<std::uint8_t> Hash() const;

 private:
  Ticket() = default;
  struct Component {
    std::map<std::string, Element, std::less<>> properties;
  };
  [[nodiscard]] Status ReadManifest(Bytes set_content);
  [[nodiscard]] Status CheckSignature(Bytes signed_bytes, Bytes signature, Bytes certificates);

  std::vector<std::uint8_t> bytes_;  // the elements below borrow from it; moving a vector keeps its bytes in place
  std::map<std::string, Component, std::less<>> components_;
  Component phone_;
  std::string signer_root_;
};

}  // namespace station::image4
