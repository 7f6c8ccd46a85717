// RestoreJob's boot chain: iBEC, then what iBEC needs to start the restore OS
// (restore-protocol 2.4, 2.7; the order is firmware/boot_order.h's).

#include "station/base/log.h"
#include "station/device/connection.h"
#include "station/restore/restore_options.h"
#include "station/usb/view/one_port_view.h"
#include "station/worker/restore_job.h"

namespace station::worker {
namespace {

using boot::ModeChange;

constexpr unsigned kFirstBuildWithoutPoke = 20;  // from iBSS; iBoot is always poked

}  // namespace

Status RestoreJob::BootRestoreOs() {
  STATION_CHECK(StartIbec());
  const auto in_ibec = phone_->Look();
  if (!in_ibec) return Fail(ErrorCode::kPhoneGone, "the phone left while it was booted");
  std::string sending;
  const auto sent =
      [&]() -> Status {  // the phone is closed again before anybody asks why it refused
    STATION_TRY(phone, phone_->OpenRecovery(reporter_));
    return SendBootItems(phone, sending);
  }();
  if (!sent && sent.error().code == ErrorCode::kRecoveryCommand && !sending.empty())
    return std::unexpected(WhyRefused(sent.error(), sending));
  STATION_CHECK(sent);
  return WaitForRestoreMode(*in_ibec);
}

Status RestoreJob::SendIbec() {
  const restore::ComponentSource components = Components();
  STATION_TRY(ibec, components.Personalised("iBEC"));
  const auto before = phone_->Look();
  if (!before) return Fail(ErrorCode::kPhoneGone, "the phone left before it was booted");
  moved_ = true;
  if (ibss_in_dfu_) {
    STATION_TRY(phone, phone_->OpenDfu(reporter_));
    STATION_CHECK(phone.Start(ibec, reporter_));
  } else {
    STATION_TRY(phone, phone_->OpenRecovery(reporter_));
    STATION_CHECK(NoteImage("upload", "iBEC", ibec));
    STATION_CHECK(phone.Upload(ibec, reporter_));
    const bool to_ibss = way_->found == Found::kDfu;
    if (to_ibss) STATION_CHECK(reporter_.Pause(std::chrono::seconds(1)));
    phone.CommandWithoutAnswer("go");
    if (!to_ibss || manifest_->BuildMajor() < kFirstBuildWithoutPoke) phone.FinishPoke();
  }
  auto back = AwaitChange(ModeChange::kRunIbec, *before, &IsRecovery);
  if (!back) return std::unexpected(std::move(back).error());
  return phone_->CheckSerial(*back);
}

// A phone found in recovery mode may be in the iBEC of an attempt that broke off, which need not
// start another (restore-protocol 2.7), and one upload may be damaged on its way: where nothing
// else explains the refusal it is rebooted into recovery mode and sent its iBEC once more.
Status RestoreJob::StartIbec() {
  auto started = SendIbec();
  if (started || started.error().code != ErrorCode::kBootRejected) return started;
  Error why = WhyRefused(std::move(started).error(), "iBEC");
  if (way_->found != Found::kRecovery || why.code != ErrorCode::kBootRejectedComponent)
    return std::unexpected(std::move(why));
  LogError(LogLevel::kWarning, "iBEC refused, rebooting the phone into recovery mode", why);
  STATION_CHECK(RebootIntoRecovery());
  STATION_CHECK(SignAnewIfNonceChanged());
  started = SendIbec();
  if (started || started.error().code != ErrorCode::kBootRejected) return started;
  return std::unexpected(WhyRefused(std::move(started).error(), "iBEC"));
}

Status RestoreJob::RebootIntoRecovery() {
  const auto before = phone_->Look();
  if (!before) return Fail(ErrorCode::kPhoneGone, "the phone left before it was rebooted");
  {
    STATION_TRY(phone, phone_->OpenRecovery(reporter_));
    STATION_CHECK(phone.Command("setenv auto-boot false"));
    STATION_CHECK(phone.Command("saveenv"));
    phone.CommandWithoutAnswer("reboot");
  }
  STATION_TRY(back, AwaitChange(ModeChange::kLetGo, *before, &IsRecovery));
  return phone_->CheckSerial(back);
}

// A boot stage does not say why it refuses; what can be compared is compared, and the rest was
// damaged on its way.
Error RestoreJob::WhyRefused(Error symptom, std::string_view component) {
  const auto info = [&]() -> Result<boot::BootInfo> {
    if (const auto device = phone_->Look(); device && IsDfu(*device)) {
      STATION_TRY(phone, phone_->OpenDfu(reporter_));
      return phone.Info();
    }
    STATION_TRY(phone, phone_->OpenRecovery(reporter_));
    return phone.Info();
  }();
  if (!info) return symptom;
  const std::string what = "the phone refused " + std::string(component);
  if (ticket_->Number("ECID") != info->ecid.value)
    return {ErrorCode::kBootRejectedTicketEcid, what + ": the ticket is for another ECID"};
  if (ticket_->Octets("BNCH") != info->ap_nonce)
    return {ErrorCode::kBootRejectedNonce, what + ": its nonce is no longer the ticket's"};
  return {ErrorCode::kBootRejectedComponent,
          what + ", though ticket, ECID and nonce fit: it did not arrive as it was sent (" +
              symptom.context + ")"};
}

// `sending` names the component whose command is under way, empty between them.
Status RestoreJob::SendBootItems(boot::RecoveryClient& phone, std::string& sending) {
  Log(LogLevel::kInfo, "iBEC",
      {{"build", phone.GetEnv("build-version").value_or("")},
       {"style", phone.GetEnv("build-style").value_or("")},
       {"stage", phone.GetEnv("boot-stage").value_or("")},
       {"radio_error", phone.GetEnv("radio-error").value_or("")}});
  STATION_CHECK(phone.Command("setenv auto-boot false"));
  STATION_CHECK(phone.Command("saveenv"));
  std::size_t done = 0;
  for (const firmware::BootItem& item : boot_order_) {
    if (item.stage == firmware::BootStage::kIbec) STATION_CHECK(SendBootItem(phone, item, sending));
    reporter_.Progress(static_cast<double>(++done) / static_cast<double>(boot_order_.size()), 0, 0);
  }
  return {};
}

Status RestoreJob::SendBootItem(boot::RecoveryClient& phone, const firmware::BootItem& item,
                                std::string& sending) {
  const auto ask = [&](const std::string& command) {  // "getenv NAME", whatever the answer
    if (!command.empty()) (void)phone.GetEnv(command.substr(command.find(' ') + 1));
  };
  STATION_CHECK(reporter_.KeepGoing());
  const restore::ComponentSource components = Components();
  STATION_TRY(image, components.Personalised(item.component));
  ask(item.before);
  STATION_CHECK(NoteImage("upload", item.component + ": " + item.use, image));
  STATION_CHECK(phone.Upload(image, reporter_));
  ask(item.between);
  if (item.use == "bootx") {
    phone.FinishPoke();
    STATION_CHECK(phone.Command(std::string("setenv boot-args ") + restore::kRestoreBootArgs));
    phone.CommandWithoutAnswer(item.use);
    return {};
  }
  sending = item.component;
  STATION_CHECK(phone.Command(item.use));
  sending.clear();
  if (!item.after.empty()) STATION_CHECK(phone.Command(item.after));
  return item.rest.count() > 0 ? reporter_.Pause(item.rest) : Status();
}

Status RestoreJob::WaitForRestoreMode(const usb::UsbPhone& left) {
  auto arrived = AwaitChange(ModeChange::kRunKernel, left, &IsAnything);
  if (!arrived && arrived.error().code == ErrorCode::kBootRejected)
    return std::unexpected(WhyRefused(std::move(arrived).error(), "RestoreKernelCache"));
  if (!arrived) return std::unexpected(std::move(arrived).error());
  usb::DropOldContexts();
  if (!IsMux(*arrived))
    return Fail(ErrorCode::kRestoreModeNotReached, "the phone came back in " +
                                                       std::string(Name(arrived->mode)) +
                                                       " mode: it refused the restore OS");
  const auto deadline =
      std::chrono::steady_clock::now() + boot::TimingOf(ModeChange::kRunKernel).appear;
  while (true) {
    const std::string udid = UdidOf(*arrived);
    if (const auto device = device::Device::Open(udid)) {
      auto restored = phone_->OpenRestored(*device, reporter_);
      if (restored) {
        restored->Goodbye(reporter_);
        restore_udid_ = udid;
        return {};
      }
      if (restored.error().code == ErrorCode::kPhoneMismatch)
        return std::unexpected(std::move(restored).error());
    }
    if (std::chrono::steady_clock::now() > deadline)
      return Fail(ErrorCode::kRestoreModeNotReached, "restored does not answer");
    STATION_CHECK(reporter_.Pause(std::chrono::milliseconds(500)));
  }
}

}  // namespace station::worker
