#include "station/worker/phone_on_port.h"

#include "station/usb/view/one_port_view.h"

namespace station::worker {

Result<PhoneOnPort> PhoneOnPort::Take(const v1::PortAddress& port, Ecid ecid) {
  STATION_TRY(watch, PortWatch::For(port));
  usb::ShowOnlyPort(watch.Sides());
  STATION_CHECK(boot::CheckViewInForce(&usb::ListingsServed));
  return PhoneOnPort(std::move(watch), ecid);
}

Result<usb::UsbPhone> PhoneOnPort::Present(std::chrono::seconds patience,
                                           JobControl& control) const {
  return watch_.WaitFor(&IsAnything, patience, ErrorCode::kPhoneGone, "the job's phone", control);
}

Result<usb::UsbPhone> PhoneOnPort::Await(boot::ModeChange change, const usb::UsbPhone& before,
                                         const Wanted& wanted, JobControl& control) const {
  const boot::ChangeTiming& timing = boot::TimingOf(change);
  STATION_CHECK(watch_.WaitForLeaving(before, timing.leave, timing.stayed, timing.what, control));
  return watch_.WaitFor(wanted, timing.appear, timing.lost, timing.what, control);
}

Status PhoneOnPort::CheckEcid(Ecid found, std::string_view where) const {
  if (found == ecid_) return {};
  return Fail(ErrorCode::kPhoneMismatch, "the job is for " + ToString(ecid_) + ", " +
                                             std::string(where) + " is " + ToString(found));
}

Status PhoneOnPort::CheckSerial(const usb::UsbPhone& device) const {
  return CheckEcid(EcidOf(device), "the phone in " + std::string(Name(device.mode)) + " mode");
}

// The node may not be accessible yet when the device has just arrived.
template <typename Client>
Result<Client> PhoneOnPort::OpenUsb(JobControl& control) const {
  usb::DropOldContexts();
  for (int tries = 1;; ++tries) {
    auto phone = Client::Open(ecid_);
    if (phone || tries == boot::kOpenPatience.tries ||
        phone.error().code != ErrorCode::kRecoveryOpen)
      return phone;
    if (!watch_.Look())
      return Fail(ErrorCode::kPhoneGone, "the phone left before it could be opened");
    STATION_CHECK(control.Pause(boot::kOpenPatience.pause));
  }
}

Result<boot::RecoveryClient> PhoneOnPort::OpenRecovery(JobControl& control) const {
  return OpenUsb<boot::RecoveryClient>(control);
}
Result<boot::DfuClient> PhoneOnPort::OpenDfu(JobControl& control) const {
  return OpenUsb<boot::DfuClient>(control);
}

Result<device::NormalPhone> PhoneOnPort::OpenNormal() const {
  const auto device = Look();
  if (!device) return Fail(ErrorCode::kPhoneGone, "the phone left");
  STATION_TRY(phone, device::NormalPhone::Open(UdidOf(*device)));
  STATION_TRY(found, phone.ReadEcid());
  STATION_CHECK(CheckEcid(found, "the phone in normal mode"));
  return phone;
}

Result<restore::RestoredClient> PhoneOnPort::OpenRestored(const device::Device& device,
                                                          JobControl& control) const {
  STATION_TRY(restored, restore::RestoredClient::Open(device, control));
  STATION_TRY(found, restored.ReadEcid(control));
  STATION_CHECK(CheckEcid(found, "the phone in restore mode"));
  return restored;
}

}  // namespace station::worker
