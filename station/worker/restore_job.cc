#include "station/worker/restore_job.h"

#include <malloc.h>

#include "station/base/log.h"
#include "station/device/normal_phone.h"
#include "station/restore/dialogue.h"
#include "station/restore/restored_client.h"
#include "station/signing/signing_client.h"
#include "station/usb/view/one_port_view.h"

namespace station::worker {
namespace {

using std::chrono::seconds;

constexpr seconds kEnterRecoveryPatience{120};
constexpr seconds kReturnPatience{300};
constexpr seconds kReplugPatience{120};

bool IsRecovery(const usb::UsbPhone& device) { return device.mode == PhoneMode::kRecovery; }
bool IsMux(const usb::UsbPhone& device) { return device.mode == PhoneMode::kNormal; }

}  // namespace

// Design, "one job, step by step"; what each step needs and risks stands in
// station/base/step_table.h. Signing stands before entering recovery: a phone that cannot be signed
// for stays in use.
const std::vector<RestoreJob::StepRow> RestoreJob::kSteps = {
    {Step::kIdentify, &RestoreJob::Bind},
    {Step::kGate, &RestoreJob::Plan},
    {Step::kSign, &RestoreJob::Sign},
    {Step::kEnterRecovery, &RestoreJob::EnterRecovery},
    {Step::kBootRestoreOs, &RestoreJob::BootRestoreOs},
    {Step::kStream, &RestoreJob::Restore},
    {Step::kConfirm, &RestoreJob::Confirm},
};

RestoreJob::RestoreJob(v1::RestoreOrders orders, std::vector<Fd> descriptors, JobReporter& reporter)
    : orders_(std::move(orders)),
      ecid_{orders_.ecid()},
      descriptors_(std::move(descriptors)),
      reporter_(reporter) {}

Status RestoreJob::Run() {
  for (const StepRow& row : kSteps) {
    auto done = reporter_.BeginStep(row.step);
    if (done) done = (this->*row.run)();
    if (done) continue;
    const ErrorCode code = done.error().code;
    if (!destroying_ && (code == ErrorCode::kCancelled || code == ErrorCode::kEmergencyStop))
      LetGo();
    reporter_.NothingIsBeingDestroyed();
    return Fail(AwaitReturn(std::move(done).error()), Name(row.step));
  }
  return {};
}

Status RestoreJob::CheckEcid(Ecid found, std::string_view where) const {
  if (found == ecid_) return {};
  return Fail(ErrorCode::kPhoneMismatch, "the job is for " + ToString(ecid_) + ", " +
                                             std::string(where) + " is " + ToString(found));
}

Status RestoreJob::Bind() {
  STATION_TRY(watch, PortWatch::For(orders_.port()));
  watch_ = std::move(watch);
  usb::ShowOnlyPort(watch_->Sides());
  STATION_CHECK(boot::CheckViewInForce(&usb::ListingsServed));
  STATION_TRY(device, watch_->WaitFor([](const usb::UsbPhone&) { return true; }, seconds(30),
                                      ErrorCode::kPhoneGone, "the job's phone", reporter_));
  mode_ = device.mode;
  if (mode_ == PhoneMode::kRecovery) return CheckEcid(EcidOf(device), "the phone in recovery mode");
  if (mode_ != PhoneMode::kNormal)
    return Fail(ErrorCode::kNeedsButtons, "a phone in " + std::string(Name(mode_)) +
                                              " mode cannot be restored by this version");
  STATION_TRY(phone, device::NormalPhone::Open(UdidOf(device)));
  STATION_TRY(type, phone.QueryType());
  if (type == device::LockdownType::kRestore) return LeaveRestoreMode(device);
  STATION_TRY(found, phone.ReadEcid());
  return CheckEcid(found, "the phone in normal mode");
}

// A phone still in restore mode from an attempt before: only the ticket it was booted with could go
// on, so start anew.
Status RestoreJob::LeaveRestoreMode(const usb::UsbPhone& device) {
  STATION_TRY(phone, device::Device::Open(UdidOf(device)));
  STATION_TRY(restored, restore::RestoredClient::Open(phone, reporter_));
  STATION_TRY(found, restored.ReadEcid(reporter_));
  STATION_CHECK(CheckEcid(found, "the phone in restore mode"));
  plist::Plist reboot = plist::Plist::Dict();
  reboot.Set("Request", plist::Plist::String("Reboot"))
      .Set("Label", plist::Plist::String("station-worker"));
  STATION_CHECK(restored.Send(reboot, reporter_));
  STATION_CHECK(watch_->WaitForLeaving(device, seconds(60), ErrorCode::kNoReconnect,
                                       "rebooting out of restore mode", reporter_));
  STATION_TRY(back, watch_->WaitFor(&IsRecovery, kEnterRecoveryPatience, ErrorCode::kNoReconnect,
                                    "recovery mode after a reboot", reporter_));
  mode_ = PhoneMode::kRecovery;
  return CheckEcid(EcidOf(back), "the phone in recovery mode");
}

Status RestoreJob::Plan() {
  std::optional<Fd> os_image;
  if (orders_.has_os_image_file() && descriptors_.size() > 2) os_image = std::move(descriptors_[2]);
  if (descriptors_.size() < 2)
    return Fail(ErrorCode::kInternal, "orders without the firmware's descriptors");
  STATION_TRY(reader, store::FirmwareReader::Open(std::move(descriptors_[0]),
                                                  std::move(descriptors_[1]), std::move(os_image)));
  reader_.emplace(std::move(reader));
  STATION_TRY(bytes, reader_->Read("BuildManifest.plist"));
  STATION_TRY(manifest, firmware::BuildManifest::Parse(bytes));
  manifest.KeepBoard(orders_.board());
  manifest_.emplace(std::move(manifest));
  STATION_TRY(identity, manifest_->Choose(orders_.board(), orders_.chip_id(), orders_.board_id(),
                                          static_cast<Action>(orders_.action())));
  identity_.emplace(identity);
  for (const firmware::Component& component : identity_->Components()) {
    const auto path = component.Path();
    if (path && !reader_->Has(*path))
      return Fail(ErrorCode::kFirmwareMemberMissing, component.Name() + " needs " + *path);
  }
  Log(LogLevel::kInfo, "plan",
      {{"variant", identity_->Variant()},
       {"version", manifest_->ProductVersion()},
       {"build", manifest_->ProductBuildVersion()}});
  return {};
}

Status RestoreJob::Sign() {
  if (mode_ == PhoneMode::kRecovery) {
    STATION_TRY(phone, OpenRecovery());
    return RequestTicket(phone.Info().ap_nonce, phone.Info().sep_nonce);
  }
  const auto device = watch_->Look();
  if (!device) return Fail(ErrorCode::kPhoneGone, "the phone left before it was signed for");
  STATION_TRY(phone, device::NormalPhone::Open(UdidOf(*device)));
  STATION_TRY(nonces, phone.ReadNonces());
  return RequestTicket(std::move(nonces.ap), std::move(nonces.sep));
}

Status RestoreJob::RequestTicket(std::vector<std::uint8_t> ap_nonce,
                                 std::vector<std::uint8_t> sep_nonce) {
  signing::PhoneIdentity phone{ecid_, orders_.chip_id(), orders_.board_id(), std::move(ap_nonce),
                               std::move(sep_nonce)};
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

Result<plist::Plist> RestoreJob::AskSigner(plist::Plist request) {
  const signing::SigningClient signer(
      {orders_.signing_url(), orders_.signing_ca_file()},
      [this](std::chrono::milliseconds pause) { return reporter_.Pause(pause).has_value(); });
  return signer.Ask(std::move(request));
}

Result<boot::RecoveryClient> RestoreJob::OpenRecovery() {
  usb::DropOldContexts();
  // The node may not be accessible yet when the device has just arrived.
  for (int attempt = 1;; ++attempt) {
    auto phone = boot::RecoveryClient::Open(ecid_);
    if (phone || attempt == 20 || phone.error().code != ErrorCode::kRecoveryOpen) return phone;
    STATION_CHECK(reporter_.Pause(std::chrono::milliseconds(500)));
  }
}

Status RestoreJob::EnterRecovery() {
  if (mode_ == PhoneMode::kNormal) {
    const auto device = watch_->Look();
    if (!device)
      return Fail(ErrorCode::kPhoneGone, "the phone left before it entered recovery mode");
    STATION_TRY(phone, device::NormalPhone::Open(UdidOf(*device)));
    STATION_TRY(found, phone.ReadEcid());
    STATION_CHECK(CheckEcid(found, "the phone in normal mode"));
    STATION_CHECK(phone.EnterRecovery());
    STATION_TRY(arrived, watch_->WaitFor(&IsRecovery, kEnterRecoveryPatience,
                                         ErrorCode::kNoReconnect, "recovery mode", reporter_));
    STATION_CHECK(CheckEcid(EcidOf(arrived), "the phone in recovery mode"));
    mode_ = PhoneMode::kRecovery;
  }
  STATION_TRY(phone, OpenRecovery());
  if (phone.Info().ap_nonce == ticket_->Octets("BNCH")) return {};
  // Signed for a nonce the phone no longer has: it is asked for again, nothing is lost yet.
  Log(LogLevel::kWarning, "nonce changed on the way to recovery mode, signing again");
  return RequestTicket(phone.Info().ap_nonce, phone.Info().sep_nonce);
}

Status RestoreJob::Restore() {
  destroying_ = true;
  ::malloc_trim(0);  // what parsing and signing left behind would lie idle while the image streams
  STATION_TRY(device, device::Device::Open(restore_udid_));
  STATION_TRY(restored, restore::RestoredClient::Open(device, reporter_));
  STATION_TRY(found, restored.ReadEcid(reporter_));
  STATION_CHECK(CheckEcid(found, "the phone in restore mode"));
  const restore::ComponentSource components(*reader_, *identity_, *ticket_, ap_answer_.Get());
  const restore::DialogueEvents events{[this] { (void)reporter_.BeginStep(Step::kFlash); }};
  restore::RestoreSetup setup;
  setup.ecid = ecid_;
  setup.ask = [this](plist::Plist request) { return AskSigner(std::move(request)); };
  setup.manifest = &*manifest_;
  setup.ap_answer = ap_answer_.Get();
  setup.ca_file = orders_.signing_ca_file();
  return restore::RunRestoreDialogue(restored, device, components, setup, reporter_, events);
}

Status RestoreJob::Confirm() {
  const auto in_restore = watch_->Look();
  if (in_restore && IsMux(*in_restore))
    STATION_CHECK(watch_->WaitForLeaving(*in_restore, kReturnPatience, ErrorCode::kNotConfirmed,
                                         "the reboot after the restore", reporter_));
  STATION_TRY(
      device,
      watch_->WaitFor([](const usb::UsbPhone& found) { return IsMux(found) || IsRecovery(found); },
                      kReturnPatience, ErrorCode::kNotConfirmed, "the restored phone", reporter_));
  if (IsRecovery(device))
    return Fail(ErrorCode::kNotConfirmed, "the phone came back in recovery mode");
  const auto deadline = std::chrono::steady_clock::now() + kReturnPatience;
  while (true) {
    auto facts = [&]() -> Result<device::PhoneFacts> {
      STATION_TRY(phone, device::NormalPhone::Open(UdidOf(device)));
      return phone.ReadFacts();
    }();
    if (facts) {
      STATION_CHECK(CheckEcid(facts->ecid, "the phone that came back"));
      os_build_after_ = facts->os_build;
      if (os_build_after_ == manifest_->ProductBuildVersion()) return {};
      return Fail(ErrorCode::kNotConfirmed, "the phone runs " + os_build_after_ + ", not " +
                                                manifest_->ProductBuildVersion());
    }
    if (std::chrono::steady_clock::now() > deadline)
      return Fail(ErrorCode::kNotConfirmed, facts.error().context);
    STATION_CHECK(reporter_.Pause(std::chrono::milliseconds(500)));
  }
}

// A phone that vanished is waited for on its port, so that the next attempt finds it in whatever
// mode it came back in.
Error RestoreJob::AwaitReturn(Error reason) {
  if (!watch_ || Info(reason.code).error_class != ErrorClass::kCable || watch_->Look())
    return reason;
  Log(LogLevel::kWarning, "the phone vanished, waiting for it on its port");
  const auto back =
      watch_->WaitFor([](const usb::UsbPhone&) { return true; }, kReplugPatience,
                      ErrorCode::kPhoneGone, "the phone, after " + reason.context, reporter_);
  return back ? reason : back.error();
}

// Cancelled before anything was destroyed: a phone in recovery is sent back to its own system.
void RestoreJob::LetGo() {
  if (!watch_) return;
  const auto device = watch_->Look();
  if (!device || !IsRecovery(*device)) return;
  usb::DropOldContexts();
  auto phone = boot::RecoveryClient::Open(ecid_);
  if (!phone) return;
  if (phone->Command("setenv auto-boot true") && phone->Command("saveenv"))
    phone->CommandWithoutAnswer("reboot");
}

}  // namespace station::worker
