#pragma once
// The rack's private root of trust: keys for the signer, and the public half that simulated boot
// stages have burnt in.

#include <memory>
#include <string>

#include "station/base/result.h"
#include "tests/rack/image4/der.h"
#include "tests/rack/image4/ticket.h"

namespace rack {

inline constexpr const char* kRootName = "Rack Simulated Root";
// Tells what a leaf may sign for; critical, as in real chains.
inline constexpr const char* kConstraintsOid = "1.2.840.113635.100.6.1.15";

// What a boot stage knows.
class RootOfTrust {
 public:
  enum class Fault { kNone, kChain, kConstraints, kSignature };
  [[nodiscard]] static station::Result<RootOfTrust> FromPem(const std::string& pem);
  // Leaf issued by the root, its constraints met by MANP, RSA-4096 / SHA-384 over the signed part.
  [[nodiscard]] Fault Check(const Ticket& ticket) const;

 private:
  std::shared_ptr<void> certificate_;  // X509; shared so that the root can be copied to every phone
};

// $XDG_CACHE_HOME/station-rack, or below ~/.cache: keys are made once for a machine, and never
// committed.
[[nodiscard]] std::string DefaultKeyFolder();

// What the signing server knows.
class SigningKeys {
 public:
  // Read from `folder`, or made there; making takes some seconds, and several processes may ask at
  // once.
  [[nodiscard]] static station::Result<SigningKeys> LoadOrCreate(const std::string& folder);
  [[nodiscard]] const std::string& RootPem() const { return root_pem_; }
  [[nodiscard]] Bytes Sign(der::Span bytes) const;
  [[nodiscard]] const Bytes& LeafCertificate() const { return leaf_; }

 private:
  std::string root_pem_;
  Bytes leaf_;                 // DER
  std::shared_ptr<void> key_;  // EVP_PKEY
};

}  // namespace rack
