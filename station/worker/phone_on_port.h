#pragma once
// The job's phone on the worker's port: where it is, which mode it is in, and that it is the right
// one. Everything that opens it goes through here, so that no other phone is ever written to.

#include <functional>
#include <string_view>

#include "station/base/ids.h"
#include "station/base/job_control.h"
#include "station/base/result.h"
#include "station/boot/dfu_client.h"
#include "station/boot/recovery_client.h"
#include "station/boot/timings.h"
#include "station/device/normal_phone.h"
#include "station/restore/restored_client.h"
#include "station/worker/port_watch.h"

namespace station::worker {

class PhoneOnPort {
 public:
  using Wanted = std::function<bool(const usb::UsbPhone&)>;

  // Puts the one-port view in force. kBadRequest, kUsbViewNotInForce.
  [[nodiscard]] static Result<PhoneOnPort> Take(const v1::PortAddress& port, Ecid ecid);

  [[nodiscard]] std::optional<usb::UsbPhone> Look() const { return watch_.Look(); }
  // kPhoneGone when nothing comes within `patience`.
  [[nodiscard]] Result<usb::UsbPhone> Present(std::chrono::seconds patience,
                                              JobControl& control) const;
  // After something was done that makes the phone leave `before`: until it is gone, and until what
  // is `wanted` is there. The change's own error codes.
  [[nodiscard]] Result<usb::UsbPhone> Await(boot::ModeChange change, const usb::UsbPhone& before,
                                            const Wanted& wanted, JobControl& control) const;

  // kPhoneMismatch, naming both.
  [[nodiscard]] Status CheckEcid(Ecid found, std::string_view where) const;
  // By the serial string of recovery and DFU mode.
  [[nodiscard]] Status CheckSerial(const usb::UsbPhone& device) const;

  // Each reads the ECID anew and refuses another phone (kPhoneMismatch).
  [[nodiscard]] Result<boot::RecoveryClient> OpenRecovery(JobControl& control) const;
  [[nodiscard]] Result<boot::DfuClient> OpenDfu(JobControl& control) const;
  [[nodiscard]] Result<device::NormalPhone> OpenNormal() const;
  [[nodiscard]] Result<restore::RestoredClient> OpenRestored(const device::Device& device,
                                                             JobControl& control) const;

 private:
  PhoneOnPort(PortWatch watch, Ecid ecid) : watch_(std::move(watch)), ecid_(ecid) {}
  template <typename Client>
  [[nodiscard]] Result<Client> OpenUsb(JobControl& control) const;
  PortWatch watch_;
  Ecid ecid_;
};

[[nodiscard]] inline bool IsRecovery(const usb::UsbPhone& device) {
  return device.mode == PhoneMode::kRecovery;
}
[[nodiscard]] inline bool IsDfu(const usb::UsbPhone& device) {
  return device.mode == PhoneMode::kDfu;
}
// Normal or restore mode: the bus shows no difference.
[[nodiscard]] inline bool IsMux(const usb::UsbPhone& device) {
  return device.mode == PhoneMode::kNormal;
}
[[nodiscard]] inline bool IsAnything(const usb::UsbPhone&) { return true; }

}  // namespace station::worker
