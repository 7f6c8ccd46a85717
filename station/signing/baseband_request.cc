#include "station/signing/baseband_request.h"

#include <algorithm>
#include <array>

#include "station/signing/request_fields.h"
#include "station/signing/request_rules.h"

namespace station::signing {
namespace {

using plist::Plist;
using plist::View;

constexpr auto kCommon = std::to_array<Field>({
    {"UniqueBuildID", Kind::kData},
    {"ApChipID", Kind::kNumber},
    {"ApBoardID", Kind::kNumber},
    {"ApSecurityDomain", Kind::kNumber},
});

constexpr auto kOfIdentity = std::to_array<Field>({
    {"BbChipID", Kind::kNumber},
    {"BbProvisioningManifestKeyHash", Kind::kData},
    {"BbActivationManifestKeyHash", Kind::kData},
    {"BbCalibrationManifestKeyHash", Kind::kData},
    {"BbFactoryActivationManifestKeyHash", Kind::kData},
    {"BbFDRSecurityKeyHash", Kind::kData},
    {"BbSkeyId", Kind::kData},
});

constexpr auto kPreflight = std::to_array<Field>({
    {"BbNonce", Kind::kData, Need::kOptional, "Nonce"},
    {"BbGoldCertId", Kind::kNumber, Need::kOptional, "CertID"},
    {"BbSNUM", Kind::kData, Need::kRequired, "ChipSerialNo"},
});

constexpr auto kEmbeddedSim = std::to_array<Field>({
    {"eUICC,ChipID", Kind::kNumber, Need::kOptional, "EUICCChipID"},
    {"eUICC,EID", Kind::kData, Need::kOptional, "EUICCCSN"},
    {"eUICC,RootKeyIdentifier", Kind::kData, Need::kOptional, "EUICCCertIdentifier"},
});
constexpr std::uint64_t kFirstSelfSigningSim = 5;

// ICE19 has two boot loaders; the certificate tells which of them this chip runs.
constexpr std::uint64_t kTwoLoaderChip = 0x68;
constexpr std::array<std::uint64_t, 3> kFirstLoaderCertificates = {0x26F3FACC, 0x5CF2EC4E,
                                                                   0x8399785A};

void AddFirmware(Plist& request, const firmware::Identity& identity) {
  Plist entry = Plist::Copy(identity.Node()["Manifest"]["BasebandFirmware"]);
  entry.Remove("Info");
  if (request["BbChipID"].Integer() == kTwoLoaderChip) {
    const std::uint64_t certificate = request["BbGoldCertId"].Integer().value_or(0);
    const bool first =
        std::ranges::find(kFirstLoaderCertificates, certificate) != kFirstLoaderCertificates.end();
    for (const char* key : {"PSI", "RestorePSI"})
      entry.Remove(std::string(key) + (first ? "2" : "") + "-PartialDigest");
  }
  request.Set("BasebandFirmware", std::move(entry));
}

void AddEmbeddedSim(Plist& request, const firmware::Identity& identity, View preflight) {
  if (NumberOf(preflight["EUICCChipID"]).value_or(0) < kFirstSelfSigningSim) return;
  request.Set("@eUICC,Ticket", Plist::Bool(true)).Set("eUICC,ApProductionMode", Plist::Bool(true));
  CopyFields(request, kEmbeddedSim, preflight, View());
  constexpr std::array<std::pair<const char*, const char*>, 2> kParts{
      {{"eUICC,Gold", "EUICCGoldNonce"}, {"eUICC,Main", "EUICCMainNonce"}}};
  for (const auto& [part, nonce] : kParts) {
    const View digest = identity.Node()["Manifest"][part]["Digest"];
    if (!digest.IsData()) continue;
    Plist entry = Plist::Dict();
    entry.Set("Digest", Plist::Copy(digest));
    if (preflight[nonce].Present()) entry.Set("Nonce", Plist::Copy(preflight[nonce]));
    request.Set(part, std::move(entry));
  }
}

}  // namespace

Result<Plist> BuildBasebandRequest(const firmware::Identity& identity, Ecid ecid,
                                   const BasebandChip& chip) {
  if (chip.serial.empty())
    return Fail(ErrorCode::kRestoreDialogue, "the phone gives no serial number of its baseband");
  if (!identity.Has("BasebandFirmware"))
    return Fail(ErrorCode::kFirmwareMemberMissing,
                "the manifest for " + identity.Board() + " has no BasebandFirmware");
  Plist request = Plist::Dict();
  request.Set("@BBTicket", Plist::Bool(true));
  request.Set("ApECID", Plist::Integer(ecid.value));
  CopyFields(request, kCommon, View(), identity.Node());
  request.Set("BbChipID",
              Plist::Integer(chip.chip_id));  // the identity's own, where it has one, wins
  CopyFields(request, kOfIdentity, View(), identity.Node());
  if (!chip.nonce.empty()) request.Set("BbNonce", Plist::Data(chip.nonce));
  request.Set("BbGoldCertId", Plist::Integer(chip.certificate_id));
  request.Set("BbSNUM", Plist::Data(chip.serial));
  AddFirmware(request, identity);
  if (BoolOf(identity.Info()["FDRSupport"]).value_or(false))
    request.Set("ApProductionMode", Plist::Bool(true)).Set("ApSecurityMode", Plist::Bool(true));
  return request;
}

void AddPreflightBaseband(Plist& request, const firmware::Identity& identity, View preflight) {
  const auto serial = preflight["ChipSerialNo"].Data();
  if (!serial || serial->empty() || !identity.Has("BasebandFirmware")) return;
  request.Set("@BBTicket", Plist::Bool(true));
  constexpr std::array<Field, 1> kChip{{{"BbChipID", Kind::kNumber, Need::kOptional, "ChipID"}}};
  CopyFields(request, kOfIdentity, View(), identity.Node());
  CopyFields(request, kChip, preflight, View());  // here the phone's own wins
  CopyFields(request, kPreflight, preflight, View());
  AddFirmware(request, identity);
  AddEmbeddedSim(request, identity, preflight);
}

Status CheckBasebandAnswer(View answer) {
  if (!answer["BBTicket"].IsData())
    return Fail(ErrorCode::kSigningBadAnswer, "the answer holds no BBTicket");
  if (!answer["BasebandFirmware"].IsDict())
    return Fail(ErrorCode::kSigningBadAnswer, "the answer holds no BasebandFirmware");
  return {};
}

}  // namespace station::signing
