#include "tests/rack/image4/verify.h"

#include <fmt/format.h>

#include "station/base/ids.h"
#include "tests/rack/image4/digest.h"
#include "tests/rack/image4/restore_info.h"

namespace rack {
namespace {

std::unexpected<Refusal> Refuse(Reason reason, std::string detail) {
  return std::unexpected(Refusal{reason, std::move(detail)});
}

struct Img4Parts {
  Payload payload;
  der::Span ticket;
  RestoreInfo restore_info;
};

// Nothing when there is a [1] that holds no IM4R.
std::optional<RestoreInfo> ReadContext1(der::Reader& reader) {
  if (reader.AtEnd()) return RestoreInfo();
  const auto context = reader.Next(der::Tag::kContext1);
  return context && reader.AtEnd() ? ReadRestoreInfo(context->content) : std::nullopt;
}

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
  auto restore_info = ReadContext1(reader);
  if (!restore_info) return std::nullopt;
  return Img4Parts{*payload, ticket->whole, std::move(*restore_info)};
}

Refusal Compare(Reason reason, const char* name, std::optional<std::uint64_t> stated,
                std::uint64_t own) {
  if (stated == own) return {};
  return {reason, fmt::format("{}: ticket {}, phone {:#x}", name,
                              stated ? fmt::format("{:#x}", *stated) : "none", own)};
}

Refusal Because(RootOfTrust::Fault fault) {
  switch (fault) {
    case RootOfTrust::Fault::kChain:
      return {Reason::kChain, "certificates do not lead from the root of this generation"};
    case RootOfTrust::Fault::kSignature:
      return {Reason::kSignature, "signature does not fit"};
    case RootOfTrust::Fault::kConstraints:
      return {Reason::kConstraints, "leaf may not sign for this phone"};
  }
  return {Reason::kChain, ""};
}

}  // namespace

Bytes TicketHash(std::span<const std::uint8_t> im4m, const Generation& generation) {
  return Hash(generation.hash, im4m);
}

Bytes NonceFrom(std::span<const std::uint8_t> generator, const Generation& generation) {
  Bytes nonce = Hash(generation.hash, generator);
  nonce.resize(generation.ap_nonce_size);
  return nonce;
}

HashKind ComponentHash(std::string_view type, const Generation& generation) {
  return type == "ftap" || type == "ftsp" || type == "rfta" || type == "rfts" ? HashKind::kSha256
                                                                              : generation.hash;
}

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
  if (payload.encrypted && component.Flag("EKEY") != true)
    return {Reason::kMode, payload.type + ": encrypted, but EKEY forbids the use of the GID key"};
  if (component.Flag("EPRO") != true || component.Flag("ESEC") != true)
    return {Reason::kMode, payload.type + ": EPRO and ESEC must be true on a production phone"};
  const auto wanted = component.Octets("DGST");
  if (!wanted) return {Reason::kDigest, payload.type + ": no DGST"};
  if (Hash(ComponentHash(payload.type, chip_.generation), payload.whole) != *wanted)
    return {Reason::kDigest, payload.type + ": the payload is not the signed one"};
  return {};
}

std::expected<Verifier::Signed, Refusal> Verifier::CheckSigned(
    std::span<const std::uint8_t> im4m) const {
  auto ticket = ReadTicket(im4m);
  if (!ticket) return Refuse(Reason::kMalformed, "not a well-formed IM4M");
  auto constraints = root_.Check(*ticket, chip_.generation);
  if (!constraints) return std::unexpected(Because(constraints.error()));
  if (Refusal refusal = CheckIdentity(ticket->identity); refusal.reason != Reason::kNone)
    return std::unexpected(std::move(refusal));
  return Signed(std::move(*ticket), std::move(*constraints));
}

std::expected<Ticket, Refusal> Verifier::CheckTicket(std::span<const std::uint8_t> im4m) const {
  auto checked = CheckSigned(im4m);
  if (!checked) return std::unexpected(std::move(checked).error());
  return std::move(checked->first);
}

std::expected<VerifiedImage, Refusal> Verifier::CheckImage(std::span<const std::uint8_t> img4,
                                                           const TypeTest& accepts) const {
  const auto parts = ReadImg4(img4);
  if (!parts)
    return Refuse(Reason::kMalformed,
                  fmt::format("{} bytes are not a well-formed IMG4", img4.size()));
  const auto checked = CheckSigned(parts->ticket);
  if (!checked) return std::unexpected(checked.error());
  const auto& [ticket, constraints] = *checked;
  const std::string& type = parts->payload.type;
  const auto component = ticket.components.find(type);
  if (!accepts(type) || component == ticket.components.end())
    return Refuse(Reason::kType,
                  fmt::format("type '{}' is not what is wanted here or not in the ticket", type));
  if (!constraints.AllowObject(component->second))
    return Refuse(Reason::kConstraints, type + ": the leaf may not sign such a component");
  if (Refusal refusal = CheckComponent(component->second, parts->payload);
      refusal.reason != Reason::kNone)
    return std::unexpected(std::move(refusal));
  const auto& generator = parts->restore_info.generator;
  if (generator && ticket.identity.Octets("BNCH") != NonceFrom(*generator, chip_.generation))
    return Refuse(Reason::kNonce, "BNCN is not what BNCH was made of");
  if ((type == "rsep" || type == "sepi") && ticket.identity.Octets("snon") != chip_.sep_nonce)
    return Refuse(Reason::kSepNonce, "snon is not this boot's SEP nonce");
  return VerifiedImage{type,
                       parts->payload.description,
                       parts->payload.data,
                       *component->second.Octets("DGST"),
                       TicketHash(parts->ticket, chip_.generation),
                       Bytes(parts->ticket.begin(), parts->ticket.end())};
}

}  // namespace rack
