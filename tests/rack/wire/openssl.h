#pragma once
// OpenSSL's objects with owners, and PEM in and out of text.

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>

namespace rack::ssl {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using OwnedBio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using OwnedKey = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using OwnedCertificate = std::unique_ptr<X509, Deleter<X509_free>>;
using OwnedContext = std::unique_ptr<SSL_CTX, Deleter<SSL_CTX_free>>;
using OwnedSsl = std::unique_ptr<SSL, Deleter<SSL_free>>;

inline OwnedBio OverText(std::string_view text) {
  return OwnedBio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}
inline std::string Contents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}
// Null when it is none.
inline OwnedCertificate ReadCertificate(std::string_view pem) {
  return OwnedCertificate(PEM_read_bio_X509(OverText(pem).get(), nullptr, nullptr, nullptr));
}
inline OwnedKey ReadKey(std::string_view pem) {
  return OwnedKey(PEM_read_bio_PrivateKey(OverText(pem).get(), nullptr, nullptr, nullptr));
}

}  // namespace rack::ssl
