#pragma once
// OpenSSL's objects, owned, and PEM in and out of text.

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>

namespace rack {

template <auto Free>
struct OpenSslDeleter {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using OwnedBio = std::unique_ptr<BIO, OpenSslDeleter<BIO_free_all>>;
using OwnedKey = std::unique_ptr<EVP_PKEY, OpenSslDeleter<EVP_PKEY_free>>;
using OwnedCertificate = std::unique_ptr<X509, OpenSslDeleter<X509_free>>;
using OwnedDigest = std::unique_ptr<EVP_MD_CTX, OpenSslDeleter<EVP_MD_CTX_free>>;
using OwnedOctets = std::unique_ptr<ASN1_OCTET_STRING, OpenSslDeleter<ASN1_OCTET_STRING_free>>;
using OwnedExtension = std::unique_ptr<X509_EXTENSION, OpenSslDeleter<X509_EXTENSION_free>>;
using OwnedTlsContext = std::unique_ptr<SSL_CTX, OpenSslDeleter<SSL_CTX_free>>;
using OwnedTls = std::unique_ptr<SSL, OpenSslDeleter<SSL_free>>;

// Reads from `text`, which outlives it.
[[nodiscard]] OwnedBio OverText(std::string_view text);
[[nodiscard]] std::string Contents(BIO* bio);

[[nodiscard]] std::string PemOf(X509* certificate);
[[nodiscard]] std::string PemOf(EVP_PKEY* key);
// Null when the text is none.
[[nodiscard]] OwnedCertificate CertificateFromPem(std::string_view pem);
[[nodiscard]] OwnedKey KeyFromPem(std::string_view pem);

}  // namespace rack
