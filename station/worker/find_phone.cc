// RestoreJob's first step: who is on the port, in which mode, and which way that opens.

#include <algorithm>

#include "station/base/log.h"
#include "station/worker/restore_job.h"

namespace station::worker {
namespace {

using boot::ModeChange;

constexpr std::chrono::seconds kPresentPatience{30};
constexpr std::chrono::seconds kAnswerPatience{
    30};  // usbmuxd shows a phone only after its own preflight
constexpr int kMostModes = 5;

}  // namespace

Status RestoreJob::Bind() {
  STATION_TRY(phone, PhoneOnPort::Take(orders_.port(), ecid_));
  phone_.emplace(std::move(phone));
  for (int looks = 0; looks < kMostModes; ++looks) {
    STATION_TRY(device, phone_->Present(kPresentPatience, reporter_));
    const auto found = FindOut(device);
    if (!found && found.error().code == ErrorCode::kPhoneGone) continue;  // on its way to a mode
    if (!found) return std::unexpected(found.error());
    const auto way = std::ranges::find(kWays, *found, &Way::found);
    way_ = &*way;
    if (orders_.dry_run() && found == Found::kRestore) return CheckInRestoreMode(device);
    STATION_CHECK((this->*way->begin)(device));
    if (!way->look_again) return {};
  }
  return Fail(ErrorCode::kNeedsButtons,
              "the phone does not come to rest in a mode it can be restored from");
}

Result<RestoreJob::Found> RestoreJob::FindOut(const usb::UsbPhone& device) {
  if (IsRecovery(device)) return Found::kRecovery;
  if (IsDfu(device)) return Found::kDfu;
  if (!IsMux(device)) return Found::kSilent;
  const auto deadline = std::chrono::steady_clock::now() + kAnswerPatience;
  while (true) {
    auto type = [&]() -> Result<device::LockdownType> {
      STATION_TRY(phone, device::NormalPhone::Open(UdidOf(device)));
      return phone.QueryType();
    }();
    if (type && *type == device::LockdownType::kNormal) return Found::kNormal;
    if (type && *type == device::LockdownType::kRestore) return Found::kRestore;
    const bool late = std::chrono::steady_clock::now() > deadline;
    if (late && !type && type.error().code == ErrorCode::kMuxUnreachable)
      return std::unexpected(type.error());
    if (late) return Found::kSilent;
    if (const auto now = phone_->Look(); !now || now->device_number != device.device_number)
      return Fail(ErrorCode::kPhoneGone, "the phone left while it was asked who it is");
    STATION_CHECK(reporter_.Pause(std::chrono::milliseconds(500)));
  }
}

Status RestoreJob::CheckInRestoreMode(const usb::UsbPhone& device) {
  STATION_TRY(opened, device::Device::Open(UdidOf(device)));
  STATION_TRY(restored, phone_->OpenRestored(opened, reporter_));
  restored.Goodbye(reporter_);
  return {};
}

Status RestoreJob::BeginInNormal(const usb::UsbPhone&) {
  STATION_TRY(phone, phone_->OpenNormal());
  return {};
}

Status RestoreJob::BeginOnUsb(const usb::UsbPhone& device) {
  moved_ = IsRecovery(device);  // an attempt before brought it there, or an operator: its own
                                // system is one reboot away
  return phone_->CheckSerial(device);
}

// A restore OS that still runs was booted with a ticket this worker does not have, RootTicket and
// everything personalised must be under that very ticket (restore-protocol 4.5), and it takes
// StartRestore once: so it is not continued but rebooted. It comes back in recovery mode while
// auto-boot is off, and in whatever its flash allows otherwise.
Status RestoreJob::LeaveRestoreMode(const usb::UsbPhone& before) {
  Log(LogLevel::kInfo, "phone found in restore mode, rebooting it");
  STATION_TRY(device, device::Device::Open(UdidOf(before)));
  STATION_TRY(restored, phone_->OpenRestored(device, reporter_));
  plist::Plist reboot = plist::Plist::Dict();
  reboot.Set("Request", plist::Plist::String("Reboot"))
      .Set("Label", plist::Plist::String("station-worker"));
  STATION_CHECK(restored.Send(reboot, reporter_));
  STATION_TRY(back, AwaitChange(ModeChange::kLeaveRestore, before, &IsAnything));
  return {};
}

Status RestoreJob::SayItIsSilent(const usb::UsbPhone& device) {
  if (!IsMux(device))
    return Fail(ErrorCode::kNeedsButtons, "the phone is in a mode this station cannot talk to");
  return Fail(ErrorCode::kNeedsButtons,
              "the phone is on the bus but nothing in it answers: neither lockdownd nor restored");
}

}  // namespace station::worker
