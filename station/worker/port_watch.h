#pragma once
// Waiting for the phone on the worker's own port, whatever mode it comes back in.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "station/base/ids.h"
#include "station/base/job_control.h"
#include "station/base/result.h"
#include "station/usb/port_device.h"
#include "worker/v1/worker.pb.h"

namespace station::worker {

class PortWatch {
 public:
  // kBadRequest when the orders name no usable path.
  [[nodiscard]] static Result<PortWatch> For(const v1::PortAddress& port);

  [[nodiscard]] const std::vector<PortPath>& Sides() const { return sides_; }
  [[nodiscard]] std::optional<usb::PortDevice> Look() const { return usb::LookAtPort(sides_); }
  // Until something on the port is `wanted`, else `late` with what was waited for.
  [[nodiscard]] Result<usb::PortDevice> WaitFor(const std::function<bool(const usb::PortDevice&)>& wanted,
                                                std::chrono::seconds patience, ErrorCode late, const std::string& what,
                                                JobControl& control) const;
  // Until that very enumeration (bus and address) is gone.
  [[nodiscard]] Status WaitForLeaving(const usb::PortDevice& device, std::chrono::seconds patience, ErrorCode late,
                                      const std::string& what, JobControl& control) const;

 private:
  std::vector<PortPath> sides_;
};

// ECID of a device in recovery or DFU from its serial string; unknown (0) when it does not say.
[[nodiscard]] Ecid EcidOf(const usb::PortDevice& device);
// UDID as usbmuxd writes it, from iSerial: 24 characters get a dash behind the eighth (device-services 1.7).
[[nodiscard]] std::string UdidOf(const usb::PortDevice& device);

}  // namespace station::worker
