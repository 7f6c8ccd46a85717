#pragma once
// Makes the rack's certificates, shaped as those in real tickets are.

#include <optional>
#include <string>

#include "tests/rack/image4/chain.h"
#include "tests/rack/wire/value.h"

namespace rack {

struct CertificateOrder {
  enum class Role { kAuthority, kLeaf } role = Role::kLeaf;
  std::string name;
  std::string issuer;
  EVP_PKEY* key = nullptr;
  EVP_PKEY* issuer_key = nullptr;
  std::optional<Bytes> constraints = {};  // of a leaf
  bool expired = false;
};

[[nodiscard]] OwnedCertificate Issue(const CertificateOrder& order, const ChainShape& shape);

// The content of the certificate's constraints; nothing when it has none. Views into it.
[[nodiscard]] std::optional<std::span<const std::uint8_t>> ConstraintsOf(X509* certificate);

[[nodiscard]] Bytes DerOf(X509* certificate);
// Null unless the bytes are exactly one certificate.
[[nodiscard]] OwnedCertificate CertificateFromDer(std::span<const std::uint8_t> bytes);

}  // namespace rack
