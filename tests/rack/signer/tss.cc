#include "tests/rack/signer/tss.h"

#include <spdlog/spdlog.h>

#include <map>

#include "tests/rack/image4/components.h"
#include "tests/rack/image4/digest.h"

namespace rack {
namespace {

constexpr std::string_view kNotEligible =
    "STATUS=94&MESSAGE=This device isn't eligible for the requested build.";
constexpr std::string_view kMalformed = "STATUS=100&MESSAGE=An internal error occurred.";

// Entries without a file (ftap and its kin) are requested with an empty digest and all get this
// one.
Bytes ConstantDigest() { return Hash(HashKind::kSha256, AsBytes("rack: no such firmware")); }

bool DigestSizeFits(std::size_t size) {
  return size == 0 || size == 20 || size == 32 || size == 48;
}

// Why a request for the AP ticket is refused; empty when it is signed.
std::string Objection(const Value& request, const ProductTable& products) {
  const auto chip = request.Number("ApChipID");
  const auto board = request.Number("ApBoardID");
  if (!chip || !board) return "no ApChipID or ApBoardID";
  if (products.FindBoard(static_cast<std::uint32_t>(*chip), static_cast<std::uint32_t>(*board)) ==
      nullptr)
    return "unknown ApChipID or ApBoardID";
  if (request.Number("ApECID").value_or(0) == 0) return "no ApECID";
  if (request.Number("ApSecurityDomain") != 1) return "ApSecurityDomain is not 1";
  const Bytes* nonce = request.Data("ApNonce");
  if (nonce == nullptr || (nonce->size() != 20 && nonce->size() != 32)) return "no usable ApNonce";
  const Bytes* build = request.Data("UniqueBuildID");
  if (build == nullptr || build->empty()) return "no UniqueBuildID";
  bool any = false;
  for (const auto& [name, entry] : *request.AsDict()) {
    const Bytes* digest = entry.Data("Digest");
    if (digest == nullptr || TicketName(name).empty()) continue;
    if (!DigestSizeFits(digest->size())) return "digest of " + name + " has a size of its own";
    any = true;
  }
  return any ? "" : "no component to sign";
}

Bytes IdentityOf(const Value& request, const SignerFaults& faults) {
  const auto number = [&](const char* key) { return der::Number(request.Number(key).value_or(0)); };
  Bytes nonce = *request.Data("ApNonce");
  if (faults.wrong_nonce) nonce[0] ^= 0x01U;
  std::map<std::string, Bytes> properties{
      {"BNCH", der::Octets(nonce)},
      {"BORD", number("ApBoardID")},
      {"CEPO", der::Number(1)},
      {"CHIP", number("ApChipID")},
      {"CPRO", der::Flag(request.Flag("ApProductionMode", true))},
      {"CSEC", der::Flag(request.Flag("ApSecurityMode", true))},
      {"ECID", der::Number(request.Number("ApECID").value_or(0) ^ (faults.wrong_ecid ? 1U : 0U))},
      {"SDOM", number("ApSecurityDomain")},
      {"srvn", der::Octets(RandomBytes(20))},
  };
  if (const Bytes* nonce_of_sep = request.Data("SepNonce"))
    properties["snon"] = der::Octets(*nonce_of_sep);
  if (const Bytes* pearl = request.Data("PearlCertificationRootPub"))
    properties["pcrp"] = der::Octets(*pearl);
  return WriteKeyedSet("MANP", std::move(properties));
}

Bytes ComponentOf(const std::string& four_cc, const Value& request, const Value& entry,
                  const Bytes& digest) {
  return WriteKeyedSet(
      four_cc, {{"DGST", der::Octets(digest.empty() ? ConstantDigest() : digest)},
                {"EKEY", der::Flag(entry.Flag("Trusted"))},
                {"EPRO", der::Flag(entry.Flag("EPRO", request.Flag("ApProductionMode", true)))},
                {"ESEC", der::Flag(entry.Flag("ESEC", request.Flag("ApSecurityMode", true)))}});
}

// "@SE,Ticket" asks for "SE,Ticket": an opaque blob, since nobody in the rack reads it.
void AddPeripheralTickets(const Value& request, Value& answer) {
  for (const auto& [key, flag] : *request.AsDict()) {
    const bool asks = key.starts_with('@') && key.ends_with("Ticket") && flag.AsBool() != nullptr &&
                      *flag.AsBool();
    if (!asks || key == "@ApImg4Ticket" || key == "@APTicket") continue;
    answer.Set(key.substr(1), RandomBytes(512));
  }
}

}  // namespace

Bytes TicketSigner::Sign(const Value& request, const SignerFaults& faults) const {
  std::map<std::string, Bytes> components;
  for (const auto& [name, entry] : *request.AsDict()) {
    if (name.starts_with('@')) continue;
    const Bytes* digest = entry.Data("Digest");
    const std::string four_cc = TicketName(name);
    if (digest != nullptr && !four_cc.empty())
      components[four_cc] = ComponentOf(four_cc, request, entry, *digest);
  }
  const Bytes body = WriteManifestBody(IdentityOf(request, faults), components);
  return WriteTicket(body, keys_.Sign(body), {keys_.LeafCertificate()});
}

std::string TicketSigner::Answer(const Value& request, const SignerFaults& faults) const {
  if (request.AsDict() == nullptr || request.AsDict()->empty()) return std::string(kMalformed);
  if (faults.refuse) return std::string(kNotEligible);
  Value answer = Value::Dict{{"@ServerVersion", "2.1.0"}};
  if (request.Flag("@ApImg4Ticket")) {
    const std::string objection = Objection(request, products_);
    if (!objection.empty()) {
      spdlog::warn("signer status=94 reason=\"{}\"", objection);
      return std::string(kNotEligible);
    }
    answer.Set("ApImg4Ticket", Sign(request, faults));
  }
  AddPeripheralTickets(request, answer);
  return "STATUS=0&MESSAGE=SUCCESS&REQUEST_STRING=" + answer.ToXml();
}

}  // namespace rack
