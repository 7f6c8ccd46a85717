#include "station/signing/ticket_request.h"

#include <algorithm>
#include <array>

#include "station/signing/baseband_request.h"
#include "station/signing/request_fields.h"
#include "station/firmware/request_rules.h"
#include "station/signing/request_rules.h"

namespace station::signing {
namespace {

using plist::Plist;
using plist::View;

// Constant for retail phones (5.3).
constexpr bool kProductionMode = true;
constexpr bool kSecurityMode = true;

// Never part of the AP request (5.3, component selection).
constexpr std::array<std::string_view, 5> kSkipped = {
    "BasebandFirmware", "Diags", "SE,UpdatePayload", "BaseSystem", "Ap,ExclaveOS"};

constexpr auto kFromIdentity = std::to_array<Field>({
    {"ApChipID", Kind::kNumber},
    {"ApBoardID", Kind::kNumber},
    {"ApSecurityDomain", Kind::kNumber},
    {"UniqueBuildID", Kind::kData},
    {"Ap,OSLongVersion", Kind::kAny},
    {"Ap,OSReleaseType", Kind::kAny},
    {"Ap,ProductMarketingVersion", Kind::kAny},
    {"Ap,ProductType", Kind::kAny},
    {"Ap,SDKPlatform", Kind::kAny},
    {"Ap,Target", Kind::kAny},
    {"Ap,TargetType", Kind::kAny},
    {"Ap,Timestamp", Kind::kAny},
    {"PearlCertificationRootPub", Kind::kData},
    {"NeRDEpoch", Kind::kNumber},
    {"AllowNeRDBoot", Kind::kBool},
});

// Keys the identity's Info names as part of the request: `Ap,Timestamp` stands there since iOS 26
// (5.3, 3.3).
void AddRequestManifestProperties(Plist& request, View identity) {
  const View names = identity["Info"]["RequestManifestProperties"];
  for (std::size_t i = 0; i < names.Size(); ++i) {
    const auto name = names.At(i).String();
    if (!name || name->starts_with("@") || request[*name].Present()) continue;
    View value = identity[*name];
    if (!value.Present()) value = identity["Info"][*name];
    if (auto converted = Converted(value, Kind::kAny)) request.Set(*name, std::move(*converted));
  }
}

void AddModes(Plist& request, View identity, const PhoneIdentity& phone) {
  request.Set("ApProductionMode", Plist::Bool(kProductionMode));
  request.Set("ApSecurityMode", Plist::Bool(kSecurityMode));
  if (request["NeRDEpoch"].Present()) request.Set("PermitNeRDPivot", Plist::Data({}));
  const bool needs_uid_mode = BoolOf(identity["Info"]["RequiresUIDMode"]).value_or(false);
  if (phone.uid_mode || needs_uid_mode)
    request.Set("UID_MODE", Plist::Bool(phone.uid_mode.value_or(false)));
  if (phone.sika_fuse || needs_uid_mode)
    request.Set("Ap,SikaFuse", Plist::Integer(phone.sika_fuse.value_or(0)));
}

void AddComponents(Plist& request, const firmware::Identity& identity) {
  const Plist retail = firmware::RetailParameters();
  for (const firmware::Component& component : identity.Components()) {
    if (!BelongsInApRequest(component)) continue;
    Plist entry = RequestEntry(component.Entry(), retail.Get());
    if (!component.Info()["RestoreRequestRules"].Present()) {
      entry.Set("EPRO", Plist::Bool(kProductionMode)).Set("ESEC", Plist::Bool(kSecurityMode));
    }
    if (entry.Get().Size() != 0) request.Set(component.Name(), std::move(entry));
  }
}

bool SameBytes(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  return std::ranges::equal(a, b);
}

Status CheckPhone(const image4::Ticket& ticket, const PhoneIdentity& phone) {
  const auto ecid = ticket.Number("ECID");
  if (ecid != phone.ecid.value)
    return Fail(ErrorCode::kTicketWrongEcid, "the ticket is for ECID " +
                                                 ToString(Ecid{ecid.value_or(0)}) + ", not " +
                                                 ToString(phone.ecid));
  if (ticket.Number("CHIP") != phone.chip_id || ticket.Number("BORD") != phone.board_id)
    return Fail(ErrorCode::kSigningBadAnswer, "the ticket is for another chip or board");
  const auto nonce = ticket.Octets("BNCH");
  if (!nonce || !SameBytes(*nonce, phone.ap_nonce))
    return Fail(ErrorCode::kTicketWrongNonce,
                "the ticket names another nonce than " + ToHex(phone.ap_nonce));
  if (const auto sep = ticket.Octets("snon");
      !phone.sep_nonce.empty() && (!sep || !SameBytes(*sep, phone.sep_nonce)))
    return Fail(ErrorCode::kTicketWrongNonce, "the ticket names another SEP nonce");
  return {};
}

}  // namespace

bool BelongsInApRequest(const firmware::Component& component) {
  if (std::ranges::find(kSkipped, component.Name()) != kSkipped.end()) return false;
  if (!component.Info().IsDict() || component.Flag("IsFTAB")) return false;
  return component.Trusted() || component.Info()["RestoreRequestRules"].IsArray();
}

Result<Plist> BuildApRequest(const firmware::Identity& identity, const PhoneIdentity& phone) {
  if (phone.ap_nonce.empty())
    return Fail(ErrorCode::kRecoveryNonceMissing, "no nonce to be signed for");
  const View node = identity.Node();
  Plist request = Plist::Dict();
  request.Set("@ApImg4Ticket", Plist::Bool(true));
  request.Set("ApECID", Plist::Integer(phone.ecid.value));
  request.Set("ApNonce", Plist::Data(phone.ap_nonce));
  if (!phone.sep_nonce.empty()) request.Set("SepNonce", Plist::Data(phone.sep_nonce));
  CopyFields(request, kFromIdentity, View(), node);
  for (const char* key : {"ApChipID", "ApBoardID", "ApSecurityDomain", "UniqueBuildID"}) {
    if (!request[key].Present())
      return Fail(ErrorCode::kFirmwareMalformed,
                  "the identity for " + identity.Board() + " lacks " + key);
  }
  AddRequestManifestProperties(request, node);
  AddModes(request, node, phone);
  AddComponents(request, identity);
  AddPreflightBaseband(request, identity, phone.preflight.Get());
  return request;
}

Result<image4::Ticket> TakeTicket(View answer, const firmware::Identity& identity,
                                  const PhoneIdentity& phone) {
  const auto bytes = answer["ApImg4Ticket"].Data();
  if (!bytes) return Fail(ErrorCode::kSigningBadAnswer, "the answer holds no ApImg4Ticket");
  STATION_TRY(ticket, image4::Ticket::Parse({bytes->begin(), bytes->end()}));
  STATION_CHECK(CheckPhone(ticket, phone));
  for (const firmware::Component& component : identity.Components()) {
    const auto wanted = component.Digest();
    const auto four_cc = component.FourCc();
    if (!BelongsInApRequest(component) || !wanted || wanted->empty() || !four_cc) continue;
    const auto signed_digest = ticket.Digest(*four_cc);
    if (component.Trusted() && !signed_digest)
      return Fail(ErrorCode::kTicketWrongComponent,
                  "the ticket does not cover " + component.Name());
    if (signed_digest && !SameBytes(*signed_digest, *wanted))
      return Fail(ErrorCode::kTicketWrongComponent,
                  "the ticket holds another digest of " + component.Name());
  }
  return ticket;
}

}  // namespace station::signing
