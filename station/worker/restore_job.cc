#include "station/worker/restore_job.h"

#include <malloc.h>

#include "station/base/log.h"
#include "station/base/step_table.h"
#include "station/restore/dialogue.h"

namespace station::worker {
namespace {

using boot::ModeChange;
using std::chrono::seconds;

constexpr seconds kPresentPatience{30};
constexpr seconds kReplugPatience{120};

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

// The way from each mode a phone may be found in.
const std::vector<RestoreJob::Way> RestoreJob::kWays = {
    {Found::kNormal, &RestoreJob::BeginInNormal, false, &RestoreJob::NormalNonces,
     &RestoreJob::LeaveNormalMode},
    {Found::kRecovery, &RestoreJob::BeginOnUsb, false, &RestoreJob::RecoveryNonces, nullptr},
    {Found::kDfu, &RestoreJob::BeginOnUsb, false, &RestoreJob::DfuNonces, &RestoreJob::RunIbss},
    {Found::kRestore, &RestoreJob::LeaveRestoreMode, true, nullptr, nullptr},
    {Found::kSilent, &RestoreJob::SayItIsSilent, true, nullptr, nullptr},
};

RestoreJob::RestoreJob(v1::RestoreOrders orders, std::vector<Fd> descriptors, JobReporter& reporter)
    : orders_(std::move(orders)),
      ecid_{orders_.ecid()},
      descriptors_(std::move(descriptors)),
      reporter_(reporter) {}

Status RestoreJob::Run() { return Take(kSteps); }

Status RestoreJob::Take(const std::vector<StepRow>& steps) {
  OpenCapture();
  for (const StepRow& row : steps) {
    Note("step", Name(row.step));
    auto done = CheckNeeds(row.step);
    if (done && Spec(row.step).destructive && !destroying_) done = CheckArming();
    if (done) done = reporter_.BeginStep(row.step);
    if (done) done = (this->*row.run)();
    if (done) continue;
    done = std::unexpected(BlameMux(std::move(done).error()));
    Note("failed", Name(done.error().code));
    reporter_.NothingIsBeingDestroyed();
    return Fail(AwaitReturn(std::move(done).error(), row.step), Name(row.step));
  }
  return {};
}

// Without one the restore goes on: a capture is for learning, not for the phone.
void RestoreJob::OpenCapture() {
  if (orders_.capture_path().empty()) return;
  auto capture = Capture::Open(orders_.capture_path());
  if (!capture) return LogError(LogLevel::kWarning, "no capture", capture.error());
  capture_ = std::move(*capture);
  capture_->Conceal(ecid_, orders_.udid(), orders_.serial_number());
  Note("phone", orders_.product() + " " + orders_.board());
}

Result<usb::UsbPhone> RestoreJob::AwaitChange(boot::ModeChange change, const usb::UsbPhone& before,
                                              const PhoneOnPort::Wanted& wanted) {
  leaving_ = {change, before};
  auto arrived = phone_->Await(change, before, wanted, reporter_);
  if (arrived) leaving_.reset();
  Note("mode", arrived ? Name(arrived->mode) : std::string_view("nothing came"));
  return arrived;
}

// The firmware and the signing server are there or fail by themselves, each with its own code; a
// phone may be between two appearances.
Status RestoreJob::CheckNeeds(Step step) {
  if (!phone_ || !Has(Spec(step).needs, Need::kPhone)) return {};
  STATION_TRY(present, phone_->Present(kPresentPatience, reporter_));
  return {};
}

// Arming holds for what it destroys, not for how long a phone took to get there; a job that
// destroyed something goes on.
Status RestoreJob::CheckArming() {
  const std::int64_t expires = orders_.arming_expires_unix_milliseconds();
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  if (expires == 0 || now.count() < expires || reporter_.DestroyedBefore()) return {};
  return Fail(ErrorCode::kArmingExpired, "the arming ended before the first destructive step");
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
  STATION_TRY(order, firmware::BootOrder(*identity_));
  boot_order_ = std::move(order);
  if (way_->found == Found::kDfu && !identity_->Has("iBSS"))
    return Fail(
        ErrorCode::kFirmwareMemberMissing,
        "a phone in DFU mode needs an iBSS, and the manifest has none for " + identity_->Board());
  Log(LogLevel::kInfo, "plan",
      {{"variant", identity_->Variant()},
       {"version", manifest_->ProductVersion()},
       {"build", manifest_->ProductBuildVersion()}});
  return {};
}

Status RestoreJob::Restore() {
  destroying_ = true;
  ::malloc_trim(0);  // what parsing and signing left behind would lie idle while the image streams
  STATION_TRY(device, device::Device::Open(restore_udid_));
  device.SetTap(capture_.get());
  STATION_TRY(restored, phone_->OpenRestored(device, reporter_));
  const restore::DialogueEvents events{[this] { (void)reporter_.BeginStep(Step::kFlash); }};
  restore::RestoreSetup setup;
  setup.ecid = ecid_;
  setup.ask = [this](plist::Plist request) { return AskSigner(std::move(request)); };
  setup.manifest = &*manifest_;
  setup.ap_answer = ap_answer_.Get();
  setup.further_hosts.assign(orders_.further_hosts().begin(), orders_.further_hosts().end());
  setup.ca_file = orders_.signing_ca_file();
  setup.preflight = preflight_.Get();
  setup.phone_log = PhoneLogOf(orders_);
  return restore::RunRestoreDialogue(restored, device, Components(), setup, reporter_, events);
}

Status RestoreJob::Confirm() {
  const boot::ChangeTiming& timing = boot::TimingOf(ModeChange::kStartAfterRestore);
  const auto wanted = [](const usb::UsbPhone& found) { return found.mode != PhoneMode::kNone; };
  const auto in_restore = phone_->Look();
  auto device = in_restore && IsMux(*in_restore)
                    ? phone_->Await(ModeChange::kStartAfterRestore, *in_restore, wanted, reporter_)
                    : phone_->Present(timing.appear, reporter_);
  if (!device) return Fail(ErrorCode::kNotConfirmed, device.error().context);
  if (!IsMux(*device))
    return Fail(ErrorCode::kNotConfirmed,
                "the phone came back in " + std::string(Name(device->mode)) + " mode");
  const auto deadline = std::chrono::steady_clock::now() + timing.appear;
  while (true) {
    auto facts = [&]() -> Result<device::PhoneFacts> {
      STATION_TRY(phone, device::NormalPhone::Open(UdidOf(*device)));
      return phone.ReadFacts();
    }();
    if (facts) {
      STATION_CHECK(phone_->CheckEcid(facts->ecid, "the phone that came back"));
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

// A connection that broke because usbmuxd went away is neither the phone's fault nor the cable's.
Error RestoreJob::BlameMux(Error reason) const {
  const bool could_be = reason.code == ErrorCode::kPhoneGone ||
                        reason.code == ErrorCode::kDeviceSilent ||
                        reason.code == ErrorCode::kRestoredUnreachable ||
                        Info(reason.code).error_class == ErrorClass::kCable;
  if (!could_be || !phone_) return reason;
  const auto found = phone_->Look();
  if (!found || !IsMux(*found) || device::MuxAnswers()) return reason;
  return {ErrorCode::kMuxUnreachable, "usbmuxd went away under it: " + reason.context};
}

// A phone that vanished is waited for on its port, so that the next attempt finds it in whatever
// mode it came back in.
Error RestoreJob::AwaitReturn(Error reason, Step step) {
  if (Spec(step).before_retry == BeforeRetry::kNothing ||
      Info(reason.code).error_class != ErrorClass::kCable)
    return reason;
  if (!phone_ || phone_->Look()) return reason;
  Log(LogLevel::kWarning, "the phone vanished, waiting for it on its port");
  const auto back = phone_->Present(kReplugPatience, reporter_);
  return back ? reason
              : Error{back.error().code, back.error().context + ", after " + reason.context};
}

}  // namespace station::worker
