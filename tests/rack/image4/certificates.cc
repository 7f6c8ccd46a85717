#include "tests/rack/image4/certificates.h"

#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>

#include "tests/rack/image4/constraints.h"

namespace rack {
namespace {

constexpr long kDay = 24L * 3600;

int ConstraintsNid() {
  static const int nid = [] {
    const int known = OBJ_txt2nid(kConstraintsOid);
    return known != NID_undef
               ? known
               : OBJ_create(kConstraintsOid, "img4Constraints", "Image4 constraints");
  }();
  return nid;
}

void SetName(X509_NAME* name, const std::string& common_name) {
  const auto add = [&](const char* field, const char* text) {
    X509_NAME_add_entry_by_txt(name, field, MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(text), -1, -1, 0);
  };
  add("CN", common_name.c_str());
  add("O", "Simulated, not Apple");
}

void AddExtension(X509* certificate, int nid, const char* value) {
  const OwnedExtension extension(X509V3_EXT_conf_nid(nullptr, nullptr, nid, value));
  X509_add_ext(certificate, extension.get(), -1);
}

void AddConstraints(X509* certificate, const Bytes& content) {
  const OwnedOctets octets(ASN1_OCTET_STRING_new());
  ASN1_OCTET_STRING_set(octets.get(), content.data(), static_cast<int>(content.size()));
  const OwnedExtension extension(
      X509_EXTENSION_create_by_NID(nullptr, ConstraintsNid(), 1, octets.get()));
  X509_add_ext(certificate, extension.get(), -1);
}

}  // namespace

OwnedCertificate Issue(const CertificateOrder& order, const ChainShape& shape) {
  OwnedCertificate certificate(X509_new());
  X509* made = certificate.get();
  X509_set_version(made, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made),
                   order.role == CertificateOrder::Role::kLeaf ? 2 : 1);
  // Of a whole day: certificates of the same day are equal, and so are tickets for equal requests.
  const std::time_t today = std::time(nullptr) / kDay * kDay;
  ASN1_TIME_set(X509_getm_notBefore(made), today - (order.expired ? 100 * kDay : kDay));
  ASN1_TIME_set(X509_getm_notAfter(made), today + (order.expired ? -kDay : 3650 * kDay));
  X509_set_pubkey(made, order.key);
  SetName(X509_get_subject_name(made), order.name);
  SetName(X509_get_issuer_name(made), order.issuer);
  if (order.role == CertificateOrder::Role::kAuthority) {
    AddExtension(made, NID_basic_constraints, "critical,CA:TRUE");
    AddExtension(made, NID_key_usage, "critical,digitalSignature,keyCertSign,cRLSign");
  } else {
    AddExtension(made, NID_basic_constraints, "critical,CA:FALSE");
    AddExtension(made, NID_key_usage, "critical,digitalSignature");
    if (order.constraints) AddConstraints(made, *order.constraints);
  }
  X509_sign(made, order.issuer_key, shape.digest());
  return certificate;
}

std::optional<std::span<const std::uint8_t>> ConstraintsOf(X509* certificate) {
  const int index = X509_get_ext_by_NID(certificate, ConstraintsNid(), -1);
  if (index < 0) return std::nullopt;
  const ASN1_OCTET_STRING* octets = X509_EXTENSION_get_data(X509_get_ext(certificate, index));
  return std::span(ASN1_STRING_get0_data(octets),
                   static_cast<std::size_t>(ASN1_STRING_length(octets)));
}

Bytes DerOf(X509* certificate) {
  unsigned char* raw = nullptr;
  const int size = i2d_X509(certificate, &raw);
  Bytes out(raw, raw + std::max(size, 0));
  OPENSSL_free(raw);
  return out;
}

OwnedCertificate CertificateFromDer(std::span<const std::uint8_t> bytes) {
  const unsigned char* at = bytes.data();
  OwnedCertificate certificate(d2i_X509(nullptr, &at, static_cast<long>(bytes.size())));
  if (at != bytes.data() + bytes.size()) return nullptr;
  return certificate;
}

}  // namespace rack
