// RestoreJob's ways into recovery mode, and the ticket that must fit the nonce the phone has there
// (restore-protocol 1.3).

#include "station/base/log.h"
#include "station/device/preboard.h"
#include "station/signing/local_manifest.h"
#include "station/signing/signing_client.h"
#include "station/worker/restore_job.h"

namespace station::worker {
namespace {

using boot::ModeChange;

bool IsRecoveryOrDfu(const usb::UsbPhone& device) { return IsRecovery(device) || IsDfu(device); }

}  // namespace

Result<RestoreJob::Nonces> RestoreJob::NormalNonces() {
  STATION_TRY(phone, phone_->OpenNormal());
  preflight_ = phone.ReadPreflight();
  return phone.ReadNonces();
}

Result<RestoreJob::Nonces> RestoreJob::RecoveryNonces() {
  STATION_TRY(phone, phone_->OpenRecovery(reporter_));
  return Nonces{phone.Info().ap_nonce, phone.Info().sep_nonce, {}};
}

Result<RestoreJob::Nonces> RestoreJob::DfuNonces() {
  STATION_TRY(phone, phone_->OpenDfu(reporter_));
  return Nonces{phone.Info().ap_nonce, phone.Info().sep_nonce, {}};
}

Status RestoreJob::Sign() {
  STATION_TRY(nonces, (this->*way_->nonces)());
  return RequestTicket(std::move(nonces));
}

signing::PhoneIdentity RestoreJob::IdentityFor(Nonces nonces) const {
  signing::PhoneIdentity phone{
      .ecid = ecid_, .chip_id = orders_.chip_id(), .board_id = orders_.board_id()};
  phone.ap_nonce = std::move(nonces.ap);
  phone.sep_nonce = std::move(nonces.sep);
  phone.uid_mode = nonces.parameters["UID_MODE"].Bool();
  phone.sika_fuse = nonces.parameters["Ap,SikaFuse"].Integer();
  if (preflight_) phone.preflight = plist::Plist::Copy(preflight_.Get());
  return phone;
}

Status RestoreJob::RequestTicket(Nonces nonces) {
  const signing::PhoneIdentity phone = IdentityFor(std::move(nonces));
  STATION_TRY(request, signing::BuildApRequest(*identity_, phone));
  STATION_TRY(answer, AskSigner(std::move(request)));
  STATION_TRY(ticket, signing::TakeTicket(answer.Get(), *identity_, phone));
  ticket_.emplace(std::move(ticket));
  ap_answer_ = std::move(answer);
  reporter_.SetSignerRoot(ticket_->SignerRoot());
  Log(LogLevel::kInfo, "signed",
      {{"root", ticket_->SignerRoot()}, {"ticket_sha384", ToHex(ticket_->Hash())}});
  return {};
}

// Also called from the threads that serve the phone's updaters.
Result<plist::Plist> RestoreJob::AskSigner(plist::Plist request) {
  const signing::SigningClient signer(
      {orders_.signing_url(), orders_.signing_ca_file()},
      [this](std::chrono::milliseconds pause) { return reporter_.Pause(pause).has_value(); });
  if (capture_) capture_->Show("signing_request", request.Get());
  auto answer = signer.Ask(std::move(request));
  if (capture_ && answer) capture_->Show("signing_answer", answer->Get());
  return answer;
}

Status RestoreJob::EnterRecovery() {
  if (way_->to_recovery != nullptr) STATION_CHECK((this->*way_->to_recovery)());
  return SignAnewIfNonceChanged();
}

Status RestoreJob::LeaveNormalMode() {
  const auto before = phone_->Look();
  if (!before) return Fail(ErrorCode::kPhoneGone, "the phone left before it entered recovery mode");
  if (static_cast<Action>(orders_.action()) == Action::kUpdate) {
    // Preboard knows UDIDs only: who has this one is asked before anything is written.
    STATION_CHECK(phone_->OpenNormal());
    STATION_CHECK(StashKeysOfData(UdidOf(*before)));
  }
  STATION_TRY(phone, phone_->OpenNormal());
  moved_ = true;
  const Status asked = phone.EnterRecovery();
  if (!asked)
    moved_ = asked.error().code ==
             ErrorCode::kLockdown;  // a refusal is an answer; silence may be its leaving
  if (!asked && asked.error().code != ErrorCode::kLockdown) return asked;
  auto arrived = AwaitChange(ModeChange::kEnterRecovery, *before, &IsRecovery);
  if (!arrived && !asked && arrived.error().code == ErrorCode::kEnterRecoveryRefused) return asked;
  if (!arrived) return std::unexpected(std::move(arrived).error());
  return phone_->CheckSerial(*arrived);
}

// An update keeps the data of a phone with a passcode only when the phone stashed what opens them
// (restore-protocol 1.7).
Status RestoreJob::StashKeysOfData(const std::string& udid) {
  STATION_TRY(wanted, device::Preboard::Wanted(udid));
  if (!wanted) return {};
  STATION_TRY(manifest, signing::BuildLocalManifest(*identity_));
  STATION_TRY(preboard, device::Preboard::Open(udid));
  device::StashbagEvents events;
  events.asks_for_passcode = [] { Log(LogLevel::kInfo, "the phone asks for its passcode"); };
  events.stops_asking = [] { Log(LogLevel::kInfo, "the passcode was entered"); };
  STATION_TRY(made, preboard.Create(manifest, events, reporter_));
  if (made == device::Stashbag::kNotNeeded) return {};
  return preboard.Commit(ticket_->Raw(), reporter_);
}

Status RestoreJob::RunIbss() {
  const restore::ComponentSource components = Components();
  STATION_TRY(ibss, components.Personalised("iBSS"));
  const auto before = phone_->Look();
  if (!before) return Fail(ErrorCode::kPhoneGone, "the phone left before it was booted");
  moved_ = true;
  {
    STATION_TRY(phone, phone_->OpenDfu(reporter_));
    STATION_CHECK(NoteImage("download", "iBSS", ibss));
    STATION_CHECK(phone.Start(ibss, reporter_));
  }
  auto back = AwaitChange(ModeChange::kRunIbss, *before, &IsRecoveryOrDfu);
  if (!back && back.error().code == ErrorCode::kBootRejected)
    return std::unexpected(WhyRefused(std::move(back).error(), "iBSS"));
  if (!back) return std::unexpected(std::move(back).error());
  STATION_CHECK(phone_->CheckSerial(*back));
  if (!IsDfu(*back)) return {};
  const auto in_rom = [&]() -> Result<bool> {  // closed again before anybody asks why it refused
    STATION_TRY(phone, phone_->OpenDfu(reporter_));
    return phone.Info().InBootRom();
  }();
  if (!in_rom) return std::unexpected(in_rom.error());
  if (*in_rom)
    return std::unexpected(WhyRefused({ErrorCode::kBootRejected, "the boot ROM is back"}, "iBSS"));
  ibss_in_dfu_ = true;
  return {};
}

// Signed for a nonce the phone no longer has: it is asked for again, nothing is lost yet.
Status RestoreJob::SignAnewIfNonceChanged() {
  STATION_TRY(nonces, ibss_in_dfu_ ? DfuNonces() : RecoveryNonces());
  if (nonces.ap == ticket_->Octets("BNCH")) return {};
  Log(LogLevel::kInfo, "the nonce changed on the way, signing again",
      {{"from",
        std::string(Name(way_->found == Found::kDfu ? PhoneMode::kDfu : PhoneMode::kNormal))}});
  return RequestTicket(std::move(nonces));
}

}  // namespace station::worker
