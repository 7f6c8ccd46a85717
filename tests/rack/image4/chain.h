#pragma once
// What certificates and signatures of a chip generation look like, as real tickets show (reference
// 4.3): A7 to A9 SHA-1 with RSA-2048, an intermediate CA and then the leaf; later chips SHA-384
// with RSA-4096 and the leaf alone.

#include <cstddef>
#include <cstdint>
#include <span>

#include "tests/rack/wire/openssl.h"
#include "tests/rack/model/product.h"

namespace rack {

struct ChainShape {
  const char* folder;  // of the key folder
  const char* root_name;
  const char* intermediate_name;  // null: the root issues leaves itself
  int rsa_bits;
  int signature_nid;
  const EVP_MD* (*digest)();
  [[nodiscard]] std::size_t Length() const { return intermediate_name == nullptr ? 1 : 2; }
  [[nodiscard]] std::size_t SignatureSize() const { return static_cast<std::size_t>(rsa_bits) / 8; }
};

[[nodiscard]] const ChainShape& ShapeOf(const Generation& generation);

// An RSA key of that size.
[[nodiscard]] bool KeyFits(X509* certificate, const ChainShape& shape);
[[nodiscard]] bool IssuedBy(X509* certificate, X509* issuer, const ChainShape& shape);
[[nodiscard]] bool SignatureHolds(X509* leaf, std::span<const std::uint8_t> message,
                                  std::span<const std::uint8_t> signature, const ChainShape& shape);

}  // namespace rack
