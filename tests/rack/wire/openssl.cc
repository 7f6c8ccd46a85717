#include "tests/rack/wire/openssl.h"

#include <openssl/pem.h>

namespace rack {

OwnedBio OverText(std::string_view text) {
  return OwnedBio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string Contents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string PemOf(X509* certificate) {
  const OwnedBio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate);
  return Contents(bio.get());
}

std::string PemOf(EVP_PKEY* key) {
  const OwnedBio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return Contents(bio.get());
}

OwnedCertificate CertificateFromPem(std::string_view pem) {
  return OwnedCertificate(PEM_read_bio_X509(OverText(pem).get(), nullptr, nullptr, nullptr));
}

OwnedKey KeyFromPem(std::string_view pem) {
  return OwnedKey(PEM_read_bio_PrivateKey(OverText(pem).get(), nullptr, nullptr, nullptr));
}

}  // namespace rack
