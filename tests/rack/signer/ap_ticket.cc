#include "tests/rack/signer/ap_ticket.h"

#include <fmt/format.h>
#include <strings.h>

#include <array>
#include <map>

#include "tests/rack/image4/components.h"
#include "tests/rack/image4/digest.h"
#include "tests/rack/image4/verify.h"

namespace rack {
namespace {

// What the request says beyond nonces and hardware, and under which name the ticket repeats it.
// Strings are octets there: boot stages know only octets, integers and booleans.
struct Carried {
  const char* key;
  const char* four_cc;
  enum class Kind { kText, kData, kNumber, kFlag } kind;
};
constexpr auto kCarried = std::to_array<Carried>({
    {"Ap,OSLongVersion", "love", Carried::Kind::kText},
    {"Ap,ProductMarketingVersion", "apmv", Carried::Kind::kText},
    {"Ap,ProductType", "prtp", Carried::Kind::kText},
    {"Ap,SDKPlatform", "sdkp", Carried::Kind::kText},
    {"Ap,Target", "tagt", Carried::Kind::kText},
    {"Ap,TargetType", "tatp", Carried::Kind::kText},
    {"Ap,Timestamp", "tstp", Carried::Kind::kNumber},
    {"PearlCertificationRootPub", "pcrp", Carried::Kind::kData},
    {"SepNonce", "snon", Carried::Kind::kData},
    {"UID_MODE", "uidm", Carried::Kind::kFlag},
});

// Keys whose four-cc is not known: only their type is looked at.
constexpr auto kNumbersUnknown = std::to_array<const char*>({"NeRDEpoch", "Ap,SikaFuse"});

constexpr std::size_t kSepNonceSize = 20;
constexpr std::size_t kBuildIdSize = 20;
constexpr std::size_t kSha256Size = 32;

// Entries without a file (ftap and its kin) are requested with an empty digest and all get this
// one.
Bytes ConstantDigest() { return Hash(HashKind::kSha256, AsBytes("rack: no such firmware")); }

// The four-cc of a request's entry that belongs into an AP ticket; empty for the others. What has
// the prefix of another chip is signed in that chip's ticket.
std::string ApComponent(const std::string& name) {
  if (name.find(',') != std::string::npos && !name.starts_with("Ap,")) return "";
  return TicketName(name);
}

bool Has(const Value& request, const Carried& carried) {
  const Value* value = request.Find(carried.key);
  if (value == nullptr) return false;
  switch (carried.kind) {
    case Carried::Kind::kText:
      return value->AsText() != nullptr;
    case Carried::Kind::kData:
      return value->AsBytes() != nullptr;
    case Carried::Kind::kNumber:
      return value->AsNumber() != nullptr;
    case Carried::Kind::kFlag:
      return value->AsBool() != nullptr;
  }
  return false;
}

Bytes Encode(const Value& value) {
  if (value.AsText() != nullptr) return der::Octets(AsBytes(*value.AsText()));
  if (value.AsBytes() != nullptr) return der::Octets(*value.AsBytes());
  if (value.AsBool() != nullptr) return der::Flag(*value.AsBool());
  return der::Number(*value.AsNumber());
}

bool SameText(const std::string& a, const std::string& b) {
  return strcasecmp(a.c_str(), b.c_str()) == 0;
}

// The key's data, when it is there and of that size; else what is wrong.
std::string DataObjection(const Value& request, const char* key, std::size_t size) {
  const Bytes* data = request.Data(key);
  if (data == nullptr) return fmt::format("no {}", key);
  if (data->size() == size) return "";
  return fmt::format("{} of {} bytes instead of {}", key, data->size(), size);
}

std::string KeyObjection(const Value& request, const Generation& generation) {
  if (request.Number("ApECID").value_or(0) == 0) return "no ApECID";
  if (request.Number("ApSecurityDomain") != 1) return "ApSecurityDomain is not 1";
  for (const char* key : {"ApProductionMode", "ApSecurityMode"})
    if (!request.Flag(key)) return fmt::format("{} is not true", key);
  for (const auto& [key, size] :
       {std::pair("ApNonce", generation.ap_nonce_size), std::pair("SepNonce", kSepNonceSize),
        std::pair("UniqueBuildID", kBuildIdSize)})
    if (std::string wrong = DataObjection(request, key, size); !wrong.empty()) return wrong;
  for (const Carried& carried : kCarried)
    if (request.Find(carried.key) != nullptr && !Has(request, carried))
      return fmt::format("{} is of another type", carried.key);
  for (const char* key : kNumbersUnknown)
    if (request.Find(key) != nullptr && !request.Number(key))
      return fmt::format("{} is no number", key);
  return "";
}

// Newer requests name the product they are for; it must be that of the chip and board.
std::string ProductObjection(const Value& request, const Product& product) {
  const std::string& board = product.board;
  for (const auto& [key, own] :
       {std::pair("Ap,ProductType", product.type), std::pair("Ap,Target", board),
        std::pair("Ap,TargetType", board.substr(0, board.size() - 2))})
    if (request.Find(key) != nullptr && !SameText(request.Text(key), own))
      return fmt::format("{} {} is not this board's {}", key, request.Text(key), own);
  return "";
}

std::string ComponentObjection(const std::string& name, const std::string& four_cc,
                               const Value& entry, const Generation& generation) {
  const Bytes* digest = entry.Data("Digest");
  if (digest == nullptr) return name + " without Digest";
  const bool without_file = ComponentHash(four_cc, generation) == HashKind::kSha256;
  if (without_file && (digest->empty() || digest->size() == kSha256Size)) return "";
  if (digest->size() == DigestSize(generation.hash)) return "";
  return fmt::format("{}: digest of {} bytes", name, digest->size());
}

std::string ComponentsObjection(const Value& request, const Generation& generation) {
  bool any = false;
  for (const auto& [name, entry] : *request.AsDict()) {
    const std::string four_cc = ApComponent(name);
    if (entry.AsDict() == nullptr || entry.AsDict()->empty() || four_cc.empty()) continue;
    if (std::string wrong = ComponentObjection(name, four_cc, entry, generation); !wrong.empty())
      return wrong;
    any = true;
  }
  return any ? "" : "no component to sign";
}

// A ticket for the AP and one for another chip cannot be had in one request; baseband can
// (reference 5.5).
std::string FlagObjection(const Value& request) {
  for (const auto& [key, value] : *request.AsDict()) {
    const bool ticket = key.starts_with('@') && key.ends_with("Ticket") &&
                        value.AsBool() != nullptr && *value.AsBool();
    if (ticket && key != "@ApImg4Ticket" && key != "@BBTicket") return key + " with @ApImg4Ticket";
  }
  return "";
}

Bytes Component(const std::string& four_cc, const Value& request, const Value& entry) {
  const Bytes& digest = *entry.Data("Digest");
  std::map<std::string, Bytes> properties{
      {"DGST", der::Octets(digest.empty() ? ConstantDigest() : digest)},
      {"EKEY", der::Flag(entry.Flag("Trusted"))},
      {"EPRO", der::Flag(entry.Flag("EPRO", request.Flag("ApProductionMode", true)))},
      {"ESEC", der::Flag(entry.Flag("ESEC", request.Flag("ApSecurityMode", true)))}};
  if (const Bytes* measured = entry.Data("TBMDigests"))
    for (const auto& [owner, name] : {std::pair("sepi", "tbms"), std::pair("rsep", "tbmr")})
      if (four_cc == owner) properties[name] = der::Octets(*measured);
  return WriteKeyedSet(four_cc, std::move(properties));
}

Bytes Identity(const Value& request, const ApTicketFaults& faults) {
  const auto number = [&](const char* key) { return der::Number(request.Number(key).value_or(0)); };
  const Bytes* asked = request.Data("ApNonce");
  Bytes nonce = asked == nullptr ? Bytes() : *asked;
  if (faults.wrong_nonce && !nonce.empty()) nonce[0] ^= 0x01U;
  std::map<std::string, Bytes> properties{
      {"BNCH", der::Octets(nonce)},
      {"BORD", number("ApBoardID")},
      {"CEPO", der::Number(1)},
      {"CHIP", number("ApChipID")},
      {"CPRO", der::Flag(request.Flag("ApProductionMode", true))},
      {"CSEC", der::Flag(request.Flag("ApSecurityMode", true))},
      {"ECID", der::Number(request.Number("ApECID").value_or(0) ^ (faults.wrong_ecid ? 1U : 0U))},
      {"SDOM", number("ApSecurityDomain")},
      {"srvn", der::Octets(faults.repeatable ? Hash(HashKind::kSha1, nonce) : RandomBytes(20))},
  };
  for (const Carried& carried : kCarried)
    if (Has(request, carried)) properties[carried.four_cc] = Encode(*request.Find(carried.key));
  return WriteKeyedSet("MANP", std::move(properties));
}

}  // namespace

std::string ApObjection(const Value& request, const ProductTable& products) {
  const auto chip = request.Number("ApChipID");
  const auto board = request.Number("ApBoardID");
  if (!chip || !board) return "no ApChipID or ApBoardID";
  const Product* product =
      products.FindBoard(static_cast<std::uint32_t>(*chip), static_cast<std::uint32_t>(*board));
  if (product == nullptr) return "unknown ApChipID or ApBoardID";
  if (std::string wrong = FlagObjection(request); !wrong.empty()) return wrong;
  if (std::string wrong = KeyObjection(request, product->generation); !wrong.empty()) return wrong;
  if (std::string wrong = ProductObjection(request, *product); !wrong.empty()) return wrong;
  return ComponentsObjection(request, product->generation);
}

Bytes ApManifestBody(const Value& request, const ApTicketFaults& faults) {
  std::map<std::string, Bytes> components;
  for (const auto& [name, entry] : *request.AsDict()) {
    const std::string four_cc = ApComponent(name);
    if (entry.Data("Digest") != nullptr && !four_cc.empty())
      components[four_cc] = Component(four_cc, request, entry);
  }
  return WriteManifestBody(Identity(request, faults), components);
}

}  // namespace rack
