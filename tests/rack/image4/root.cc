#include "tests/rack/image4/root.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "station/base/fd.h"

namespace rack {
namespace {

using station::ErrorCode;
using station::Fail;
using station::Result;

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
using OwnedDigest = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;

constexpr int kRsaBits = 4096;
constexpr std::size_t kSignatureSize = 512;

std::string Contents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

OwnedBio OverText(const std::string& text) {
  return OwnedBio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
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

// The value of a constraint that any value meets: [0] { NULL }.
Bytes Anything() { return der::Wrap(der::Tag::kContext0, der::Wrap(der::Tag::kNull, {})); }

// What the leaf may sign: production tickets of security domain 1 for any chip, board and ECID.
Bytes LeafConstraints() {
  const Bytes identity = WriteKeyedSet("MANP", {{"BNCH", Anything()},
                                                {"BORD", Anything()},
                                                {"CEPO", Anything()},
                                                {"CHIP", Anything()},
                                                {"CPRO", Anything()},
                                                {"CSEC", Anything()},
                                                {"ECID", Anything()},
                                                {"SDOM", der::Number(1)},
                                                {"snon", Anything()}});
  const Bytes object =
      WriteKeyedSet("OBJP", {{"DGST", Anything()}, {"EPRO", Anything()}, {"ESEC", Anything()}});
  return der::Wrap(der::Tag::kSet, der::Join({identity, object}));
}

int ConstraintsNid() {
  static const int nid = [] {
    const int known = OBJ_txt2nid(kConstraintsOid);
    return known != NID_undef
               ? known
               : OBJ_create(kConstraintsOid, "img4Constraints", "Image4 constraints");
  }();
  return nid;
}

void SetName(X509_NAME* name, const char* common_name) {
  const auto add = [&](const char* field, const char* text) {
    X509_NAME_add_entry_by_txt(name, field, MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(text), -1, -1, 0);
  };
  add("CN", common_name);
  add("O", "Simulated, not Apple");
}

void AddExtension(X509* certificate, int nid, const char* value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

void AddConstraints(X509* certificate) {
  const Bytes content = LeafConstraints();
  ASN1_OCTET_STRING* octets = ASN1_OCTET_STRING_new();
  ASN1_OCTET_STRING_set(octets, content.data(), static_cast<int>(content.size()));
  X509_EXTENSION* extension = X509_EXTENSION_create_by_NID(nullptr, ConstraintsNid(), 1, octets);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  ASN1_OCTET_STRING_free(octets);
}

OwnedCertificate NewCertificate(const char* name, EVP_PKEY* key, const char* issuer,
                                EVP_PKEY* issuer_key) {
  OwnedCertificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), key == issuer_key ? 1 : 2);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -24L * 3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3650L * 24 * 3600);
  X509_set_pubkey(certificate.get(), key);
  SetName(X509_get_subject_name(certificate.get()), name);
  SetName(X509_get_issuer_name(certificate.get()), issuer);
  if (key == issuer_key) {
    AddExtension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
    AddExtension(certificate.get(), NID_key_usage, "critical,keyCertSign");
  } else {
    AddExtension(certificate.get(), NID_basic_constraints, "critical,CA:FALSE");
    AddExtension(certificate.get(), NID_key_usage, "critical,digitalSignature");
    AddConstraints(certificate.get());
  }
  X509_sign(certificate.get(), issuer_key, EVP_sha384());
  return certificate;
}

station::Status CreateKeys(const std::filesystem::path& folder) {
  const OwnedKey root_key(EVP_RSA_gen(kRsaBits));
  const OwnedKey leaf_key(EVP_RSA_gen(kRsaBits));
  if (!root_key || !leaf_key) return Fail(ErrorCode::kInternal, "generating RSA keys");
  const auto root = NewCertificate(kRootName, root_key.get(), kRootName, root_key.get());
  const auto leaf =
      NewCertificate("Rack Simulated Manifest Key", leaf_key.get(), kRootName, root_key.get());
  STATION_CHECK(station::WriteFileDurably(folder / "leaf-key.pem", PemOf(leaf_key.get())));
  STATION_CHECK(station::WriteFileDurably(folder / "leaf.pem", PemOf(leaf.get())));
  return station::WriteFileDurably(folder / "root.pem",
                                   PemOf(root.get()));  // last: it says that all is there
}

OwnedCertificate ReadCertificate(const std::string& pem) {
  return OwnedCertificate(PEM_read_bio_X509(OverText(pem).get(), nullptr, nullptr, nullptr));
}

Bytes DerOf(X509* certificate) {
  unsigned char* raw = nullptr;
  const int size = i2d_X509(certificate, &raw);
  Bytes out(raw, raw + std::max(size, 0));
  OPENSSL_free(raw);
  return out;
}

// Every constraint that names a value is met by the ticket's MANP.
bool ConstraintsMet(X509* leaf, const Ticket& ticket) {
  const int index = X509_get_ext_by_NID(leaf, ConstraintsNid(), -1);
  if (index < 0) return false;
  const ASN1_OCTET_STRING* octets = X509_EXTENSION_get_data(X509_get_ext(leaf, index));
  const der::Span bytes(ASN1_STRING_get0_data(octets),
                        static_cast<std::size_t>(ASN1_STRING_length(octets)));
  const auto set = der::Whole(bytes, der::Tag::kSet);
  if (!set) return false;
  der::Reader groups(set->content);
  const auto first = groups.Next();
  if (!first || !first->IsPrivate() || der::FourCcText(first->four_cc) != "MANP") return false;
  der::Reader inner(
      der::Whole(first->content, der::Tag::kSequence).value_or(der::Element()).content);
  (void)inner.NextText();
  const auto properties = inner.Next(der::Tag::kSet);
  const auto constraints = properties ? PropertySet::Read(properties->content) : std::nullopt;
  if (!constraints) return false;
  for (const char* name : {"BORD", "CEPO", "CHIP", "ECID", "SDOM"}) {
    const auto wanted = constraints->Number(name);
    if (wanted && ticket.identity.Number(name) != wanted) return false;
  }
  return true;
}

bool SignatureHolds(EVP_PKEY* key, const Ticket& ticket) {
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key) != kRsaBits) return false;
  const OwnedDigest context(EVP_MD_CTX_new());
  return ticket.signature.size() == kSignatureSize &&
         EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha384(), nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), ticket.signature.data(), ticket.signature.size(),
                          ticket.signed_part.data(), ticket.signed_part.size()) == 1;
}

}  // namespace

std::string DefaultKeyFolder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  if (cache != nullptr && *cache != '\0') return std::string(cache) + "/station-rack";
  return std::string(home == nullptr ? "/tmp" : home) + "/.cache/station-rack";
}

Result<RootOfTrust> RootOfTrust::FromPem(const std::string& pem) {
  auto certificate = ReadCertificate(pem);
  if (!certificate) return Fail(ErrorCode::kBadRequest, "root certificate unreadable");
  RootOfTrust root;
  root.certificate_ = std::shared_ptr<void>(certificate.release(),
                                            [](void* p) { X509_free(static_cast<X509*>(p)); });
  return root;
}

RootOfTrust::Fault RootOfTrust::Check(const Ticket& ticket) const {
  if (ticket.certificates.size() != 1) return Fault::kChain;
  const der::Span bytes = ticket.certificates.back();
  const unsigned char* at = bytes.data();
  const OwnedCertificate leaf(d2i_X509(nullptr, &at, static_cast<long>(bytes.size())));
  if (!leaf || at != bytes.data() + bytes.size()) return Fault::kChain;
  auto* root = static_cast<X509*>(certificate_.get());
  if (X509_NAME_cmp(X509_get_issuer_name(leaf.get()), X509_get_subject_name(root)) != 0 ||
      X509_verify(leaf.get(), X509_get0_pubkey(root)) != 1)
    return Fault::kChain;
  if (!ConstraintsMet(leaf.get(), ticket)) return Fault::kConstraints;
  return SignatureHolds(X509_get0_pubkey(leaf.get()), ticket) ? Fault::kNone : Fault::kSignature;
}

Result<SigningKeys> SigningKeys::LoadOrCreate(const std::string& folder) {
  const std::filesystem::path path(folder);
  std::error_code error;
  std::filesystem::create_directories(path, error);
  const station::Fd lock(open((path / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.Valid() || flock(lock.Get(), LOCK_EX) != 0)
    return station::FailErrno("locking " + folder, errno);
  if (!std::filesystem::exists(path / "root.pem")) {
    const mode_t old = umask(0077);
    const auto created = CreateKeys(path);
    umask(old);
    STATION_CHECK(created);
  }
  SigningKeys keys;
  STATION_TRY(root_pem, station::ReadFile(path / "root.pem"));
  STATION_TRY(leaf_pem, station::ReadFile(path / "leaf.pem"));
  STATION_TRY(key_pem, station::ReadFile(path / "leaf-key.pem"));
  const auto leaf = ReadCertificate(leaf_pem);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(OverText(key_pem).get(), nullptr, nullptr, nullptr);
  if (!leaf || key == nullptr) return Fail(ErrorCode::kIo, "signing keys unreadable in " + folder);
  keys.root_pem_ = root_pem;
  keys.leaf_ = DerOf(leaf.get());
  keys.key_ = std::shared_ptr<void>(key, [](void* p) { EVP_PKEY_free(static_cast<EVP_PKEY*>(p)); });
  return keys;
}

Bytes SigningKeys::Sign(der::Span bytes) const {
  const OwnedDigest context(EVP_MD_CTX_new());
  Bytes signature(kSignatureSize);
  std::size_t size = signature.size();
  EVP_DigestSignInit(context.get(), nullptr, EVP_sha384(), nullptr,
                     static_cast<EVP_PKEY*>(key_.get()));
  if (EVP_DigestSign(context.get(), signature.data(), &size, bytes.data(), bytes.size()) != 1)
    size = 0;
  signature.resize(size);
  return signature;
}

}  // namespace rack
