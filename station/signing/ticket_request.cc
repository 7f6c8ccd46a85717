#include "station/signing/ticket_request.h"

#include <algorithm>
#include <array>

namespace station::signing {
namespace {

using plist::Plist;
using plist::View;

// Constant for retail phones (5.3).
constexpr bool kProductionMode = true;
constexpr bool kSecurityMode = true;

// Never part of the AP request (5.3, component selection).
constexpr std::array<std::string_view, 5> kSkipped = {"BasebandFirmware", "Diags", "SE,UpdatePayload", "BaseSystem",
                                                      "Ap,ExclaveOS"};
// Copied from the identity as they are, when present.
constexpr std::array<const char*, 9> kCopied = {
    "Ap,OSLongVersion", "Ap,OSReleaseType", "Ap,ProductMarketingVersion", "Ap,ProductType", "Ap,SDKPlatform",
    "Ap,Target",        "Ap,TargetType",    "Ap,Timestamp",               "PearlCertificationRootPub"};

// What a rule's condition asks about, as a production phone with Image4 answers (5.4); nothing: unknown, so false.
std::optional<bool> Parameter(std::string_view condition) {
  if (condition == "ApRawProductionMode" || condition == "ApCurrentProductionMode") return kProductionMode;
  if (condition == "ApRawSecurityMode") return kSecurityMode;
  if (condition == "ApRequiresImage4") return true;
  return std::nullopt;  // ApDemotionPolicyOverride, ApInRomDFU: absent here
}

bool AllHold(View conditions) {
  bool hold = true;
  conditions.ForEach([&](const std::string& key, View wanted) {
    const auto actual = Parameter(key);
    hold = hold && actual && wanted.Bool() == actual;
  });
  return hold;
}

bool BelongsInRequest(const firmware::Component& component) {
  if (std::ranges::find(kSkipped, component.Name()) != kSkipped.end()) return false;
  if (!component.Info().IsDict() || component.Flag("IsFTAB")) return false;
  return component.Trusted() || component.Info()["RestoreRequestRules"].IsArray();
}

void AddNeRD(Plist& request, View identity) {
  if (const auto epoch = identity["NeRDEpoch"].Number()) {
    request.Set("NeRDEpoch", Plist::Integer(*epoch));
    request.Set("PermitNeRDPivot", Plist::Data({}));
  }
  if (const auto allowed = identity["AllowNeRDBoot"].Bool()) request.Set("AllowNeRDBoot", Plist::Bool(*allowed));
  if (identity["Info"]["RequiresUIDMode"].Bool().value_or(false)) {
    request.Set("UID_MODE", Plist::Bool(false));
    request.Set("Ap,SikaFuse", Plist::Integer(0));
  }
}

bool SameBytes(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) { return std::ranges::equal(a, b); }

Status CheckPhone(const image4::Ticket& ticket, const PhoneIdentity& phone) {
  const auto ecid = ticket.Number("ECID");
  if (ecid != phone.ecid.value)
    return Fail(ErrorCode::kTicketWrongEcid, "the ticket is for ECID " + ToString(Ecid{ecid.value_or(0)}) + ", not " + ToString(phone.ecid));
  if (ticket.Number("CHIP") != phone.chip_id || ticket.Number("BORD") != phone.board_id)
    return Fail(ErrorCode::kSigningBadAnswer, "the ticket is for another chip or board");
  const auto nonce = ticket.Octets("BNCH");
  if (!nonce || !SameBytes(*nonce, phone.ap_nonce))
    return Fail(ErrorCode::kTicketWrongNonce, "the ticket names another nonce than " + ToHex(phone.ap_nonce));
  if (const auto sep = ticket.Octets("snon"); !phone.sep_nonce.empty() && (!sep || !SameBytes(*sep, phone.sep_nonce)))
    return Fail(ErrorCode::kTicketWrongNonce, "the ticket names another SEP nonce");
  return {};
}

}  // namespace

plist::Plist ApplyRules(View manifest_entry) {
  Plist entry = Plist::Copy(manifest_entry);
  entry.Remove("Info");
  const View rules = manifest_entry["Info"]["RestoreRequestRules"];
  if (!rules.IsArray()) {
    entry.Set("EPRO", Plist::Bool(kProductionMode)).Set("ESEC", Plist::Bool(kSecurityMode));
  }
  for (std::size_t i = 0; i < rules.Size(); ++i) {
    if (!AllHold(rules.At(i)["Conditions"])) continue;
    rules.At(i)["Actions"].ForEach([&](const std::string& key, View action) {
      if (const auto value = action.Bool()) entry.Set(key, Plist::Bool(*value));  // the integer 255 means "leave"
    });
  }
  return entry;
}

Result<Plist> BuildApRequest(const firmware::Identity& identity, const PhoneIdentity& phone) {
  if (phone.ap_nonce.empty()) return Fail(ErrorCode::kRecoveryNonceMissing, "no nonce to be signed for");
  const View node = identity.Node();
  const auto domain = identity.SecurityDomain();
  if (!identity.ChipId() || !identity.BoardId() || !domain || !node["UniqueBuildID"].IsData())
    return Fail(ErrorCode::kFirmwareMalformed, "the identity for " + identity.Board() + " lacks chip, board, domain or build id");
  Plist request = Plist::Dict();
  request.Set("@ApImg4Ticket", Plist::Bool(true));
  request.Set("ApECID", Plist::Integer(phone.ecid.value));
  request.Set("ApNonce", Plist::Data(phone.ap_nonce));
  if (!phone.sep_nonce.empty()) request.Set("SepNonce", Plist::Data(phone.sep_nonce));
  request.Set("ApChipID", Plist::Integer(*identity.ChipId()));
  request.Set("ApBoardID", Plist::Integer(*identity.BoardId()));
  request.Set("ApSecurityDomain", Plist::Integer(*domain));
  request.Set("UniqueBuildID", Plist::Copy(node["UniqueBuildID"]));
  request.Set("ApProductionMode", Plist::Bool(kProductionMode));
  request.Set("ApSecurityMode", Plist::Bool(kSecurityMode));
  for (const char* key : kCopied)
    if (node[key].Present()) request.Set(key, Plist::Copy(node[key]));
  AddNeRD(request, node);
  for (const firmware::Component& component : identity.Components()) {
    if (!BelongsInRequest(component)) continue;
    Plist entry = ApplyRules(component.Entry());
    if (component.Trusted() && !component.Digest()) entry.Set("Digest", Plist::Data({}));
    if (entry.Get().Size() != 0) request.Set(component.Name(), std::move(entry));
  }
  return request;
}

Result<image4::Ticket> TakeTicket(View answer, const firmware::Identity& identity, const PhoneIdentity& phone) {
  const auto bytes = answer["ApImg4Ticket"].Data();
  if (!bytes) return Fail(ErrorCode::kSigningBadAnswer, "the answer holds no ApImg4Ticket");
  STATION_TRY(ticket, image4::Ticket::Parse({bytes->begin(), bytes->end()}));
  STATION_CHECK(CheckPhone(ticket, phone));
  for (const firmware::Component& component : identity.Components()) {
    const auto wanted = component.Digest();
    const auto four_cc = component.FourCc();
    if (!BelongsInRequest(component) || !wanted || wanted->empty() || !four_cc) continue;
    const auto signed_digest = ticket.Digest(*four_cc);
    if (component.Trusted() && !signed_digest)
      return Fail(ErrorCode::kTicketWrongComponent, "the ticket does not cover " + component.Name());
    if (signed_digest && !SameBytes(*signed_digest, *wanted))
      return Fail(ErrorCode::kTicketWrongComponent, "the ticket holds another digest of " + component.Name());
  }
  return ticket;
}

}  // namespace station::signing
