// What RestoreJob still does for a phone whose job was stopped before anything was destroyed: it
// goes back to its own system. The job is over for everybody else by then; a worker that is killed
// here leaves the phone in recovery mode, from which the next job on it goes on.

#include <thread>

#include "station/base/log.h"
#include "station/worker/let_go.h"
#include "station/worker/restore_job.h"

namespace station::worker {
namespace {

using boot::ModeChange;
constexpr int kMostReboots = 3;  // restore mode to recovery mode to its own system

// Nobody stops this any more; it has its own end.
class UntilDeadline final : public JobControl {
 public:
  explicit UntilDeadline(std::chrono::seconds patience)
      : end_(std::chrono::steady_clock::now() + patience) {}
  void Progress(double, std::uint64_t, std::uint64_t) override {}
  Status KeepGoing() override {
    if (std::chrono::steady_clock::now() < end_) return {};
    return Fail(ErrorCode::kStepTimeout, "the phone did not come back in time");
  }
  Status Pause(std::chrono::milliseconds time) override {
    std::this_thread::sleep_for(time);
    return KeepGoing();
  }

 private:
  std::chrono::steady_clock::time_point end_;
};

// Which daemon answers; a phone that has just started takes its time.
Result<device::LockdownType> AskType(const usb::UsbPhone& device, JobControl& control) {
  while (true) {
    auto type = [&]() -> Result<device::LockdownType> {
      STATION_TRY(phone, device::NormalPhone::Open(UdidOf(device)));
      return phone.QueryType();
    }();
    if (type) return type;
    STATION_CHECK(control.Pause(std::chrono::milliseconds(500)));
  }
}

// True when there is nothing more to do; otherwise the phone has rebooted.
Result<bool> RebootOnce(const PhoneOnPort& phone, const usb::UsbPhone& device,
                        JobControl& control) {
  if (IsDfu(device)) return true;  // only a restore or the buttons lead out of it
  if (IsRecovery(device)) {
    {
      STATION_TRY(client, phone.OpenRecovery(control));
      STATION_CHECK(client.Command("setenv auto-boot true"));
      STATION_CHECK(client.Command("saveenv"));
      client.CommandWithoutAnswer("reboot");
    }
    STATION_TRY(back, phone.Await(ModeChange::kLetGo, device, &IsAnything, control));
    return false;
  }
  STATION_TRY(type, AskType(device, control));
  if (type != device::LockdownType::kRestore) return true;
  STATION_TRY(opened, device::Device::Open(UdidOf(device)));
  STATION_TRY(restored, phone.OpenRestored(opened, control));
  plist::Plist reboot = plist::Plist::Dict();
  reboot.Set("Request", plist::Plist::String("Reboot"))
      .Set("Label", plist::Plist::String("station-worker"));
  STATION_CHECK(restored.Send(reboot, control));
  // The connection stays until the phone has left: what closes at once may take the request along.
  STATION_TRY(back, phone.Await(ModeChange::kLeaveRestore, device, &IsAnything, control));
  return false;
}

}  // namespace

void RestoreJob::LetGo() {
  UntilDeadline control(kLetGoPatience);
  const auto done = [&]() -> Status {
    if (leaving_) (void)phone_->Await(leaving_->change, leaving_->device, &IsAnything, control);
    for (int reboots = 0; reboots < kMostReboots; ++reboots) {
      STATION_TRY(device, phone_->Present(kLetGoPatience, control));
      if (!IsMux(device)) STATION_CHECK(phone_->CheckSerial(device));
      STATION_TRY(at_home, RebootOnce(*phone_, device, control));
      if (at_home) return {};
    }
    return Fail(ErrorCode::kNotConfirmed, "it keeps coming back in recovery mode");
  }();
  if (!done)
    LogError(LogLevel::kWarning, "the phone was not brought back to its own system", done.error());
}

}  // namespace station::worker
