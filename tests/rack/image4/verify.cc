#include "tests/rack/image4/verify.h"

#include <fmt/format.h>

#include "station/base/ids.h"
#include "tests/rack/image4/digest.h"

namespace rack {
namespace {

std::unexpected<Refusal> Refuse(Reason reason, std::string detail) {
  return std::unexpected(Refusal{reason, std::move(detail)});
}

struct Img4Parts {
  Payload payload;
  der::Span ticket;
};

std::optional<Img4Parts> ReadImg4(der::Span bytes) {
  const auto whole = der::Whole(bytes, der::Tag::kSequence);
  if (!whole) return std::nullopt;
  der::Reader reader(whole->content);
  if (reader.NextText() != "IMG4") return std::nullopt;
  const auto im4p = reader.Next(der::Tag::kSequence);
  const auto context = reader.Next(der::Tag::kContext0);
  const auto payload = im4p ? ReadPayload(im4p->whole) : std::nullopt;
  const auto ticket = context ? der::Whole(context->content, der::Tag::kSequence) : std::nullopt;
  if (!payload || !ticket) return std::nullopt;
  if (!reader.AtEnd() && (!reader.Next(der::Tag::kContext1) || !reader.AtEnd()))
    return std::nullopt;
  return Img4Parts{*payload, ticket->whole};
}

Refusal Compare(Reason reason, const char* name, std::optional<std::uint64_t> stated,
                std::uint64_t own) {
  if (stated == own) return {};
  return {reason, fmt::format("{}: ticket {}, phone {:#x}", name,
                              stated ? fmt::format("{:#x}", *stated) : "none", own)};
}

}  // namespace

std::optional<std::string> ImageType(std::span<const std::uint8_t> img4) {
  const auto parts = ReadImg4(img4);
  return parts ? std::optional(parts->payload.type) : std::nullopt;
}

Verifier::TypeTest Only(std::string type) {
  return [type = std::move(type)](const std::string& found) { return found == type; };
}

Refusal Verifier::CheckIdentity(const PropertySet& identity) const {
  for (const Refusal& refusal :
       {Compare(Reason::kChip, "CHIP", identity.Number("CHIP"), chip_.chip),
        Compare(Reason::kBoard, "BORD", identity.Number("BORD"), chip_.board),
        Compare(Reason::kEcid, "ECID", identity.Number("ECID"), chip_.ecid),
        Compare(Reason::kDomain, "SDOM", identity.Number("SDOM"), chip_.security_domain)})
    if (refusal.reason != Reason::kNone) return refusal;
  if (identity.Number("CEPO").value_or(0) < chip_.security_epoch)
    return {Reason::kMode, "CEPO below the phone's epoch"};
  if (identity.Flag("CPRO") != true || identity.Flag("CSEC") != true)
    return {Reason::kMode, "CPRO and CSEC must be true on a production phone"};
  if (identity.Octets("BNCH") != chip_.ap_nonce)
    return {Reason::kNonce, "BNCH is not this boot's nonce"};
  return {};
}

Refusal Verifier::CheckComponent(const PropertySet& component, const Payload& payload) const {
  if (component.Flag("EPRO") != true || component.Flag("ESEC") != true)
    return {Reason::kMode, payload.type + ": EPRO and ESEC must be true on a production phone"};
  const auto wanted = component.Octets("DGST");
  if (!wanted) return {Reason::kDigest, payload.type + ": no DGST"};
  if (Hash(HashKind::kSha384, payload.whole) != *wanted)
    return {Reason::kDigest, payload.type + ": the payload is not the signed one"};
  return {};
}

std::expected<Ticket, Refusal> Verifier::CheckTicket(std::span<const std::uint8_t> im4m) const {
  auto ticket = ReadTicket(im4m);
  if (!ticket) return Refuse(Reason::kMalformed, "not a well-formed IM4M");
  switch (root_.Check(*ticket)) {
    case RootOfTrust::Fault::kNone:
      break;
    case RootOfTrust::Fault::kChain:
      return Refuse(Reason::kChain, "certificate chain does not lead to the root");
    case RootOfTrust::Fault::kConstraints:
      return Refuse(Reason::kChain, "leaf may not sign for this phone");
    case RootOfTrust::Fault::kSignature:
      return Refuse(Reason::kSignature, "signature does not fit");
  }
  if (Refusal refusal = CheckIdentity(ticket->identity); refusal.reason != Reason::kNone)
    return std::unexpected(std::move(refusal));
  return std::move(*ticket);
}

std::expected<VerifiedImage, Refusal> Verifier::CheckImage(std::span<const std::uint8_t> img4,
                                                           const TypeTest& accepts) const {
  const auto parts = ReadImg4(img4);
  if (!parts)
    return Refuse(Reason::kMalformed,
                  fmt::format("{} bytes are not a well-formed IMG4", img4.size()));
  auto ticket = CheckTicket(parts->ticket);
  if (!ticket) return std::unexpected(std::move(ticket).error());
  const std::string& type = parts->payload.type;
  const auto component = ticket->components.find(type);
  if (!accepts(type) || component == ticket->components.end())
    return Refuse(Reason::kType,
                  fmt::format("type '{}' is not what is wanted here or not in the ticket", type));
  if (Refusal refusal = CheckComponent(component->second, parts->payload);
      refusal.reason != Reason::kNone)
    return std::unexpected(std::move(refusal));
  if ((type == "rsep" || type == "sepi") && ticket->identity.Octets("snon") != chip_.sep_nonce)
    return Refuse(Reason::kSepNonce, "snon is not this boot's SEP nonce");
  return VerifiedImage{type, parts->payload.description, parts->payload.data,
                       Hash(HashKind::kSha384, parts->ticket),
                       Bytes(parts->ticket.begin(), parts->ticket.end())};
}

}  // namespace rack
