#include "tests/rack/lockdown/certificates.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "tests/rack/wire/openssl.h"

namespace rack {
namespace {

constexpr unsigned kBits = 2048;

bool SignedBy(X509* certificate, X509* root) {
  return X509_verify(certificate, X509_get0_pubkey(root)) == 1;
}

}  // namespace

std::string DeviceKey(Phone& phone) {
  if (std::string key = phone.State().ios.device_key; !key.empty()) return key;
  const std::string made =
      PemOf(OwnedKey(EVP_RSA_gen(kBits)).get());  // outside the lock: it takes its time
  std::string key;
  phone.ChangeAndSave([&](PhoneState& state) {
    if (state.ios.device_key.empty()) state.ios.device_key = made;
    key = state.ios.device_key;
  });
  return key;
}

std::string PublicPem(const std::string& key) {
  const OwnedKey owned = KeyFromPem(key);
  unsigned char* der = nullptr;
  const int size = owned ? i2d_PublicKey(owned.get(), &der) : 0;  // PKCS#1 for RSA
  if (size <= 0) return "";
  const OwnedBio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio(bio.get(), "RSA PUBLIC KEY", "", der, size);
  OPENSSL_free(der);
  return Contents(bio.get());
}

std::optional<std::string> FaultOf(const Pairing& pairing, const std::string& key) {
  const OwnedCertificate root = CertificateFromPem(pairing.root_certificate);
  const OwnedCertificate host = CertificateFromPem(pairing.host_certificate);
  const OwnedCertificate device = CertificateFromPem(pairing.device_certificate);
  const OwnedKey own = KeyFromPem(key);
  if (!root || !host || !device || !own) return "a certificate is missing or unreadable";
  if (pairing.host_id.empty()) return "no HostID";
  if (EVP_PKEY_eq(X509_get0_pubkey(device.get()), own.get()) != 1)
    return "DeviceCertificate is not over this phone's key";
  if (!SignedBy(device.get(), root.get()) || !SignedBy(host.get(), root.get()))
    return "a certificate is not signed by RootCertificate";
  return std::nullopt;
}

}  // namespace rack
