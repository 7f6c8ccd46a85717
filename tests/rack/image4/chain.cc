#include "tests/rack/image4/chain.h"

#include <openssl/objects.h>

namespace rack {

const ChainShape& ShapeOf(const Generation& generation) {
  static const ChainShape kSha1 = {.folder = "sha1",
                                   .root_name = "Rack Simulated Root CA",
                                   .intermediate_name = "Rack Simulated Secure Boot CA",
                                   .rsa_bits = 2048,
                                   .signature_nid = NID_sha1WithRSAEncryption,
                                   .digest = EVP_sha1};
  static const ChainShape kSha384 = {.folder = "sha384",
                                     .root_name = "Rack Simulated Root CA - G2",
                                     .intermediate_name = nullptr,
                                     .rsa_bits = 4096,
                                     .signature_nid = NID_sha384WithRSAEncryption,
                                     .digest = EVP_sha384};
  return generation.hash == HashKind::kSha1 ? kSha1 : kSha384;
}

bool KeyFits(X509* certificate, const ChainShape& shape) {
  EVP_PKEY* key = X509_get0_pubkey(certificate);
  return key != nullptr && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
         EVP_PKEY_get_bits(key) == shape.rsa_bits;
}

bool IssuedBy(X509* certificate, X509* issuer, const ChainShape& shape) {
  return X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(issuer)) == 0 &&
         X509_get_signature_nid(certificate) == shape.signature_nid &&
         X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;
}

bool SignatureHolds(X509* leaf, std::span<const std::uint8_t> message,
                    std::span<const std::uint8_t> signature, const ChainShape& shape) {
  const OwnedDigest context(EVP_MD_CTX_new());
  return signature.size() == shape.SignatureSize() &&
         EVP_DigestVerifyInit(context.get(), nullptr, shape.digest(), nullptr,
                              X509_get0_pubkey(leaf)) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                          message.size()) == 1;
}

}  // namespace rack
