// RestoreJob's boot chain: iBEC, then what iBEC needs to start the restore OS
// (restore-protocol 2.4).

#include <array>

#include "station/base/log.h"
#include "station/device/connection.h"
#include "station/restore/restore_options.h"
#include "station/restore/restored_client.h"
#include "station/usb/view/one_port_view.h"
#include "station/worker/restore_job.h"

namespace station::worker {
namespace {

using std::chrono::seconds;

constexpr seconds kIbecLeavePatience{20};
constexpr seconds kIbecReturnPatience{60};
constexpr seconds kBootxLeavePatience{30};
constexpr seconds kRestoreModePatience{300};

bool IsRecovery(const usb::UsbPhone& device) { return device.mode == PhoneMode::kRecovery; }

// What iBEC is sent, each followed by the command that uses it; rows whose component the identity
// lacks are skipped.
struct BootRow {
  const char* component;
  const char* before;  // command before the upload, or null
  const char* command;
};
constexpr std::array<BootRow, 3> kAfterFirmwares{{
    {"RestoreRamDisk", "getenv ramdisk-size", "ramdisk"},
    {"RestoreDeviceTree", nullptr, "devicetree"},
    {"RestoreSEP", nullptr, "rsepfirmware"},
}};

bool LoadedByIBoot(const firmware::Component& component) {
  return component.Flag("IsLoadedByiBoot") && !component.Flag("IsLoadedByiBootStage1") &&
         component.Path();
}

}  // namespace

Status RestoreJob::BootRestoreOs() {
  STATION_CHECK(StartIbec());
  const auto in_ibec = watch_->Look();
  if (!in_ibec) return Fail(ErrorCode::kPhoneGone, "the phone left while it was booted");
  std::string sending;
  const auto sent =
      [&]() -> Status {  // the phone is closed again before anybody asks why it refused
    STATION_TRY(phone, OpenRecovery());
    STATION_CHECK(CheckEcid(phone.Info().ecid, "the phone in iBEC"));
    return SendBootComponents(phone, sending);
  }();
  if (!sent && sent.error().code == ErrorCode::kRecoveryCommand && !sending.empty())
    return std::unexpected(WhyRefused(sent.error(), sending));
  STATION_CHECK(sent);
  return WaitForRestoreMode(*in_ibec);
}

Status RestoreJob::StartIbec() {
  const restore::ComponentSource components(*reader_, *identity_, *ticket_, ap_answer_.Get());
  STATION_TRY(ibec, components.Personalised("iBEC"));
  const auto in_iboot = watch_->Look();
  if (!in_iboot) return Fail(ErrorCode::kPhoneGone, "the phone left before it was booted");
  {
    STATION_TRY(phone, OpenRecovery());
    STATION_CHECK(CheckEcid(phone.Info().ecid, "the phone in recovery mode"));
    STATION_CHECK(phone.Upload(ibec, reporter_));
    phone.CommandWithoutAnswer("go");
    phone.FinishPoke();
  }
  if (auto left = watch_->WaitForLeaving(*in_iboot, kIbecLeavePatience, ErrorCode::kBootRejected,
                                         "starting iBEC", reporter_);
      !left) {
    if (left.error().code != ErrorCode::kBootRejected) return left;
    return std::unexpected(WhyRefused(std::move(left).error(), "iBEC"));
  }
  STATION_TRY(back, watch_->WaitFor(&IsRecovery, kIbecReturnPatience, ErrorCode::kNoReconnect,
                                    "iBEC", reporter_));
  return CheckEcid(EcidOf(back), "the phone in iBEC");
}

// iBoot does not say why it refuses; what can be compared is compared, and the rest was damaged on
// its way.
Error RestoreJob::WhyRefused(Error symptom, std::string_view component) {
  auto phone = OpenRecovery();
  if (!phone) return symptom;
  const std::string what = "the phone refused " + std::string(component);
  if (ticket_->Number("ECID") != phone->Info().ecid.value)
    return {ErrorCode::kBootRejectedTicketEcid, what + ": the ticket is for another ECID"};
  if (ticket_->Octets("BNCH") != phone->Info().ap_nonce)
    return {ErrorCode::kBootRejectedNonce, what + ": its nonce is no longer the ticket's"};
  return {ErrorCode::kBootRejectedComponent,
          what + ", though ticket, ECID and nonce fit: it did not arrive as it was sent (" +
              symptom.context + ")"};
}

// `sending` names the component whose command is under way, empty between them.
Status RestoreJob::SendBootComponents(boot::RecoveryClient& phone, std::string& sending) {
  const restore::ComponentSource components(*reader_, *identity_, *ticket_, ap_answer_.Get());
  const auto send = [&](const std::string& component, const char* command) -> Status {
    STATION_CHECK(reporter_.KeepGoing());
    STATION_TRY(image, components.Personalised(component));
    STATION_CHECK(phone.Upload(image, reporter_));
    if (command == nullptr) return {};
    sending = component;
    STATION_CHECK(phone.Command(command));
    sending.clear();
    return {};
  };
  Log(LogLevel::kInfo, "iBEC",
      {{"build", phone.GetEnv("build-version").value_or("")},
       {"stage", phone.GetEnv("boot-stage").value_or("")}});
  STATION_CHECK(phone.Command("setenv auto-boot false"));
  STATION_CHECK(phone.Command("saveenv"));
  if (identity_->Has("RestoreLogo")) {
    STATION_CHECK(send("RestoreLogo", "setpicture 4"));
    STATION_CHECK(phone.Command("bgcolor 0 0 0"));
  }
  for (const firmware::Component& component : identity_->Components())
    if (LoadedByIBoot(component)) STATION_CHECK(send(component.Name(), "firmware"));
  for (const BootRow& row : kAfterFirmwares) {
    if (!identity_->Has(row.component)) continue;
    if (row.before != nullptr) (void)phone.GetEnv(std::string(row.before).substr(7));
    STATION_CHECK(send(row.component, row.command));
    if (std::string_view(row.command) == "ramdisk")
      STATION_CHECK(reporter_.Pause(std::chrono::seconds(2)));
  }
  STATION_CHECK(send("RestoreKernelCache", nullptr));
  phone.FinishPoke();
  STATION_CHECK(phone.Command(std::string("setenv boot-args ") + restore::kRestoreBootArgs));
  phone.CommandWithoutAnswer("bootx");
  return {};
}

Status RestoreJob::WaitForRestoreMode(const usb::UsbPhone& left) {
  if (auto gone = watch_->WaitForLeaving(left, kBootxLeavePatience, ErrorCode::kBootRejected,
                                         "starting the restore OS", reporter_);
      !gone) {
    if (gone.error().code != ErrorCode::kBootRejected) return gone;
    return std::unexpected(WhyRefused(std::move(gone).error(), "RestoreKernelCache"));
  }
  usb::DropOldContexts();
  STATION_TRY(arrived,
              watch_->WaitFor([](const usb::UsbPhone&) { return true; }, kRestoreModePatience,
                              ErrorCode::kRestoreModeNotReached, "restore mode", reporter_));
  if (IsRecovery(arrived))
    return Fail(ErrorCode::kRestoreModeNotReached,
                "the phone came back in recovery mode: it refused the restore OS");
  const auto deadline = std::chrono::steady_clock::now() + kRestoreModePatience;
  while (true) {
    const std::string udid = UdidOf(arrived);
    auto device = device::Device::Open(udid);
    if (device) {
      auto restored = restore::RestoredClient::Open(*device, reporter_);
      if (restored) {
        STATION_TRY(found, restored->ReadEcid(reporter_));
        STATION_CHECK(CheckEcid(found, "the phone in restore mode"));
        restored->Goodbye(reporter_);
        restore_udid_ = udid;
        return {};
      }
    }
    if (std::chrono::steady_clock::now() > deadline)
      return Fail(ErrorCode::kRestoreModeNotReached, "restored does not answer");
    STATION_CHECK(reporter_.Pause(std::chrono::milliseconds(500)));
  }
}

}  // namespace station::worker
