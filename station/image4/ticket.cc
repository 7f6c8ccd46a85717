#include "station/image4/ticket.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>

#include "station/base/digest.h"

namespace station::image4 {
namespace {

struct FreeX509 {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};
using Certificate = std::unique_ptr<X509, FreeX509>;

std::unexpected<Error> Bad(std::string what) { return Fail(ErrorCode::kSigningBadAnswer, "ticket: " + std::move(what)); }

std::string CommonName(const X509_NAME* name) {
  const int at = X509_NAME_get_index_by_NID(const_cast<X509_NAME*>(name), NID_commonName, -1);
  if (at < 0) return "unnamed";
  const ASN1_STRING* text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), static_cast<std::size_t>(ASN1_STRING_length(text))};
}

Result<std::vector<Certificate>> ReadCertificates(Bytes bytes) {
  std::vector<Certificate> chain;
  DerReader reader(bytes);
  while (!reader.AtEnd()) {
    STATION_TRY(element, reader.Next(kSequence));
    const std::uint8_t* at = element.whole.data();
    Certificate certificate(d2i_X509(nullptr, &at, static_cast<long>(element.whole.size())));
    if (!certificate || chain.size() == 8) return Bad("a certificate cannot be read");
    chain.push_back(std::move(certificate));
  }
  if (chain.empty()) return Bad("no certificate");
  return chain;
}

// Issuer of the certificate whose issuer is not in the chain itself: the root everything rests on.
std::string RootName(const std::vector<Certificate>& chain) {
  for (const Certificate& certificate : chain) {
    const X509_NAME* issuer = X509_get_issuer_name(certificate.get());
    const bool inside = std::ranges::any_of(chain, [&](const Certificate& other) {
      return other != certificate && X509_NAME_cmp(X509_get_subject_name(other.get()), issuer) == 0;
    });
    if (!inside) return CommonName(issuer);
  }
  return CommonName(X509_get_issuer_name(chain.front().get()));
}

// A private tag holding SEQUENCE { IA5 name, value }: the shape of everything in a manifest. Calls visit(name, value).
template <typename Visit>
Status ForEachNamed(Bytes set_content, Visit visit) {
  DerReader reader(set_content);
  while (!reader.AtEnd()) {
    STATION_TRY(entry, reader.Next());
    if (entry.tag_class != TagClass::kPrivate || !entry.constructed) return Bad("a property without its private tag");
    STATION_TRY(sequence, ReadOnly(entry.content, kSequence));
    DerReader inner(sequence.content);
    STATION_TRY(name, inner.Next(kIa5String));
    STATION_TRY(value, inner.Next());
    if (!inner.AtEnd() || FourCc(Text(name)) != entry.number) return Bad("a property whose name is not its tag");
    STATION_CHECK(visit(Text(name), value));
  }
  return {};
}

}  // namespace

Result<Ticket> Ticket::Parse(std::vector<std::uint8_t> bytes) {
  Ticket ticket;
  ticket.bytes_ = std::move(bytes);
  const auto read = [&]() -> Status {
    STATION_TRY(outer, ReadOnly(ticket.bytes_, kSequence));
    DerReader reader(outer.content);
    STATION_CHECK(reader.Expect("IM4M"));
    STATION_TRY(version, reader.Next(kInteger));
    STATION_TRY(version_number, UnsignedInteger(version));
    if (version_number != 0) return Bad("unknown version");
    STATION_TRY(set, reader.Next(kSet));
    STATION_TRY(signature, reader.Next(kOctetString));
    STATION_TRY(certificates, reader.Next(kSequence));
    if (!reader.AtEnd()) return Bad("bytes behind its certificates");
    STATION_CHECK(ticket.ReadManifest(set.content));
    return ticket.CheckSignature(set.whole, signature.content, certificates.content);
  };
  if (auto done = read(); !done) return Fail(ErrorCode::kSigningBadAnswer, std::move(done).error().context);
  return ticket;
}

Status Ticket::ReadManifest(Bytes set_content) {
  return ForEachNamed(set_content, [&](const std::string& name, const Element& body) -> Status {
    if (name != "MANB" || !body.Is(kSet)) return Bad("no manifest body");
    return ForEachNamed(body.content, [&](const std::string& four_cc, const Element& properties) -> Status {
      if (!properties.Is(kSet)) return Bad("component " + four_cc + " has no properties");
      Component component;
      STATION_CHECK(ForEachNamed(properties.content, [&](const std::string& key, const Element& value) -> Status {
        component.properties.emplace(key, value);
        return {};
      }));
      if (four_cc == "MANP") {
        phone_ = std::move(component);
      } else {
        components_.emplace(four_cc, std::move(component));
      }
      return {};
    });
  });
}

Status Ticket::CheckSignature(Bytes signed_bytes, Bytes signature, Bytes certificates) {
  STATION_TRY(chain, ReadCertificates(certificates));
  signer_root_ = RootName(chain);
  EVP_PKEY* key = X509_get0_pubkey(chain.back().get());  // the leaf stands last
  if (key == nullptr || EVP_PKEY_base_id(key) != EVP_PKEY_RSA) return Bad("its certificate holds no RSA key");
  // SHA-1 with RSA-2048 up to A9, SHA-384 with RSA-4096 from A10 on.
  const EVP_MD* digest = EVP_PKEY_size(key) <= 256 ? EVP_sha1() : EVP_sha384();
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  if (EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key) != 1 ||
      EVP_DigestVerify(context.get(), signature.data(), signature.size(), signed_bytes.data(), signed_bytes.size()) != 1)
    return Bad("its signature does not fit its content");
  return {};
}

std::optional<std::uint64_t> Ticket::Number(std::string_view property) const {
  const auto found = phone_.properties.find(property);
  if (found == phone_.properties.end()) return std::nullopt;
  const auto number = UnsignedInteger(found->second);
  return number ? std::optional(*number) : std::nullopt;
}

std::optional<std::vector<std::uint8_t>> Ticket::Octets(std::string_view property) const {
  const auto found = phone_.properties.find(property);
  if (found == phone_.properties.end() || !found->second.Is(kOctetString)) return std::nullopt;
  return std::vector(found->second.content.begin(), found->second.content.end());
}

std::optional<std::vector<std::uint8_t>> Ticket::Digest(std::string_view four_cc) const {
  const auto component = components_.find(four_cc);
  if (component == components_.end()) return std::nullopt;
  const auto digest = component->second.properties.find("DGST");
  if (digest == component->second.properties.end()) return std::nullopt;
  return std::vector(digest->second.content.begin(), digest->second.content.end());
}

bool Ticket::Covers(std::string_view four_cc) const { return components_.contains(four_cc); }

std::vector<std::uint8_t> Ticket::Hash() const { return DigestOf(DigestKind::kSha384, bytes_); }

}  // namespace station::image4
