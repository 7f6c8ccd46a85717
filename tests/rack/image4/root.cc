#include "tests/rack/image4/root.h"

#include <openssl/x509v3.h>

#include <algorithm>

#include "tests/rack/image4/certificates.h"

namespace rack {
namespace {

using Fault = RootOfTrust::Fault;

// The leaf, when the certificates lead from the root to it.
OwnedCertificate LeafOf(const Ticket& ticket, X509* root, const ChainShape& shape) {
  if (ticket.certificates.size() != shape.Length()) return nullptr;
  OwnedCertificate above;
  for (const der::Span bytes : ticket.certificates) {
    OwnedCertificate certificate = CertificateFromDer(bytes);
    X509* issuer = above ? above.get() : root;
    if (!certificate || !KeyFits(certificate.get(), shape) ||
        !IssuedBy(certificate.get(), issuer, shape))
      return nullptr;
    if (above && X509_check_ca(above.get()) != 1) return nullptr;
    above = std::move(certificate);
  }
  return X509_check_ca(above.get()) == 0 ? std::move(above) : nullptr;
}

}  // namespace

station::Result<RootOfTrust> RootOfTrust::FromPem(const std::string& pem) {
  RootOfTrust root;
  std::size_t at = 0;
  for (const HashKind hash : {HashKind::kSha1, HashKind::kSha384}) {
    auto certificate = at < pem.size() ? CertificateFromPem(pem.substr(at)) : nullptr;
    if (!certificate || !KeyFits(certificate.get(), ShapeOf(Generation{.hash = hash})))
      return station::Fail(station::ErrorCode::kBadRequest, "root certificates unreadable");
    root.roots_.emplace(hash, std::shared_ptr<void>(certificate.release(), [](void* p) {
                          X509_free(static_cast<X509*>(p));
                        }));
    at = std::min(pem.find("-----BEGIN", at + 1), pem.size());
  }
  return root;
}

std::expected<LeafConstraints, Fault> RootOfTrust::Check(const Ticket& ticket,
                                                         const Generation& generation) const {
  const ChainShape& shape = ShapeOf(generation);
  const auto leaf = LeafOf(ticket, static_cast<X509*>(roots_.at(generation.hash).get()), shape);
  if (!leaf) return std::unexpected(Fault::kChain);
  if (!SignatureHolds(leaf.get(), ticket.signed_part, ticket.signature, shape))
    return std::unexpected(Fault::kSignature);
  const auto extension = ConstraintsOf(leaf.get());
  auto constraints = extension ? LeafConstraints::Read(*extension) : std::nullopt;
  if (!constraints || !constraints->AllowIdentity(ticket.identity))
    return std::unexpected(Fault::kConstraints);
  return std::move(*constraints);
}

}  // namespace rack
