#include "firmware_world.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sys/mman.h>

#include <algorithm>

#include "station/base/digest.h"
#include "station/image4/der.h"
#include "station/store/reader/index.h"

namespace station::restore::testing {
namespace {

Bytes Join(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Bytes Tlv(std::uint8_t tag, const Bytes& content) {
  return Join({image4::DerHeader(tag, content.size()), content});
}
Bytes Ia5(std::string_view text) { return Tlv(0x16, ToBytes(text)); }

// A private tag with the four-cc as its number, around SEQUENCE { four-cc, value }.
Bytes Named(const std::string& four_cc, const Bytes& value) {
  const std::uint32_t number = image4::FourCc(four_cc);
  Bytes tag = {0xFF};
  for (int shift = 28; shift >= 0; shift -= 7) {
    const auto digit = static_cast<std::uint8_t>(number >> shift & 0x7FU);
    if (digit == 0 && tag.size() == 1) continue;
    tag.push_back(static_cast<std::uint8_t>(digit | (shift == 0 ? 0 : 0x80)));
  }
  const Bytes sequence = Tlv(0x30, Join({Ia5(four_cc), value}));
  Bytes length = image4::DerHeader(0, sequence.size());
  length.erase(length.begin());
  return Join({tag, length, sequence});
}

struct Signer {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{EVP_RSA_gen(2048), &EVP_PKEY_free};
  std::unique_ptr<X509, decltype(&X509_free)> certificate{X509_new(), &X509_free};

  Signer() {
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("Test Root"), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get()));
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_sign(certificate.get(), key.get(), EVP_sha256());
  }
  Bytes Sign(const Bytes& bytes) const {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                          &EVP_MD_CTX_free);
    EVP_DigestSignInit(context.get(), nullptr, EVP_sha1(), nullptr, key.get());
    std::size_t size = 256;
    Bytes signature(size);
    EVP_DigestSign(context.get(), signature.data(), &size, bytes.data(), bytes.size());
    return signature;
  }
  Bytes Certificate() const {
    unsigned char* raw = nullptr;
    const int size = i2d_X509(certificate.get(), &raw);
    Bytes bytes(raw, raw + size);
    OPENSSL_free(raw);
    return bytes;
  }
};

const Signer& TheSigner() {
  static const Signer signer;
  return signer;
}

Fd MemoryFile(const std::string& content) {
  Fd file(::memfd_create("firmware", MFD_CLOEXEC));
  EXPECT_TRUE(
      WriteAll(file, {reinterpret_cast<const std::uint8_t*>(content.data()), content.size()}));
  return file;
}

}  // namespace

Bytes ToBytes(std::string_view text) { return {text.begin(), text.end()}; }

Bytes MakeIm4p(const std::string& type, const Bytes& content) {
  return Tlv(0x30, Join({Ia5("IM4P"), Ia5(type), Ia5("v1"), Tlv(0x04, content)}));
}

image4::Ticket MakeTicket(const std::map<std::string, Bytes>& digests) {
  Bytes body = Named("MANP", Tlv(0x31, {}));
  for (const auto& [four_cc, digest] : digests)
    body = Join({body, Named(four_cc, Tlv(0x31, Named("DGST", Tlv(0x04, digest))))});
  const Bytes set = Tlv(0x31, Named("MANB", Tlv(0x31, body)));
  const Bytes whole =
      Tlv(0x30, Join({Ia5("IM4M"), Tlv(0x02, {0}), set, Tlv(0x04, TheSigner().Sign(set)),
                      Tlv(0x30, TheSigner().Certificate())}));
  auto ticket = image4::Ticket::Parse(whole);
  EXPECT_TRUE(ticket) << (ticket ? "" : ticket.error().context);
  return std::move(*ticket);
}

store::FirmwareReader MakeReader(const std::map<std::string, Bytes>& members,
                                 const std::vector<std::string>& images) {
  store::IndexContent index;
  std::string ipsw;
  for (const auto& [name, bytes] : members) {
    firmware::ZipMember zip{
        name, ipsw.size(), bytes.size(), bytes.size(), firmware::ZipMethod::kStored, 0, 0};
    std::optional<std::vector<Sha1Digest>> digests;
    if (std::ranges::find(images, name) != images.end()) {
      digests.emplace();
      for (std::size_t at = 0; at < bytes.size(); at += store::kAsrChunk)
        digests->push_back(Sha1Of(std::span(bytes).subspan(
            at, std::min<std::size_t>(store::kAsrChunk, bytes.size() - at))));
    }
    ipsw.append(bytes.begin(), bytes.end());
    index.members.push_back({zip, std::move(digests), 0});
  }
  index.ipsw_size = ipsw.size();
  for (std::size_t at = 0; at < ipsw.size(); at += store::kIndexChunk) {
    const std::string_view chunk = std::string_view(ipsw).substr(at, store::kIndexChunk);
    index.ipsw_chunks.push_back(
        Sha256Of({reinterpret_cast<const std::uint8_t*>(chunk.data()), chunk.size()}));
  }
  auto reader = store::FirmwareReader::Open(MemoryFile(ipsw), MemoryFile(store::FormatIndex(index)),
                                            std::nullopt);
  EXPECT_TRUE(reader) << (reader ? "" : reader.error().context);
  return std::move(*reader);
}

plist::Plist ParseXml(std::string_view xml) {
  auto parsed = plist::Plist::Parse(xml);
  EXPECT_TRUE(parsed) << xml;
  return parsed ? std::move(*parsed) : plist::Plist::Dict();
}

Bytes All(const ByteSource& source) {
  Bytes all;
  const auto passed = source.pass([&](std::span<const std::uint8_t> bytes) -> Status {
    all.insert(all.end(), bytes.begin(), bytes.end());
    return {};
  });
  EXPECT_TRUE(passed) << (passed ? "" : passed.error().context);
  EXPECT_EQ(all.size(), source.size);
  return all;
}

Status KeptAnswers::Send(const plist::Plist& answer) {
  const std::string xml = answer.ToXml();
  return SendWritten(SourceOf(xml));
}

Status KeptAnswers::SendWritten(const ByteSource& message) {
  const Bytes bytes = All(message);
  written.emplace_back(bytes.begin(), bytes.end());
  sent.push_back(ParseXml(written.back()));
  return {};
}

Result<plist::Plist> KeptAnswers::Receive(std::chrono::milliseconds) {
  if (to_receive.empty()) return Fail(ErrorCode::kDeviceSilent, "nothing scripted");
  plist::Plist message = std::move(to_receive.front());
  to_receive.erase(to_receive.begin());
  return message;
}

FirmwareWorld::FirmwareWorld(plist::Plist node, const std::map<std::string, Bytes>& members,
                             image4::Ticket signed_ticket, const std::vector<std::string>& images)
    : identity_node(std::move(node)),
      identity(identity_node.Get()),
      reader(MakeReader(members, images)),
      ticket(std::move(signed_ticket)),
      components(reader, identity, ticket) {
  setup.ecid = Ecid{0x1234};
  setup.ask = [this](plist::Plist request) -> Result<plist::Plist> {
    asked.push_back(std::move(request));
    return plist::Plist::Copy(signer_answer.Get());
  };
}

ProviderContext FirmwareWorld::Context() {
  return {components,
          setup,
          control,
          [](std::uint16_t port) -> Result<device::Connection> {
            return Fail(ErrorCode::kPhoneGone, "no port " + std::to_string(port));
          },
          [] {},
          memory};
}

Status FirmwareWorld::Provide(const std::string& type, const std::string& arguments_xml,
                              AnswerChannel& channel) {
  const plist::Plist arguments = ParseXml("<plist>" + arguments_xml + "</plist>");
  const ProviderContext context = Context();
  return ProvideData({type, arguments.Get(), std::nullopt}, context, channel);
}

}  // namespace station::restore::testing
