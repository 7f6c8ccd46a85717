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
#include "station/usb/topology.h"
#include "worker/v1/worker.pb.h"

namespace station::worker {

class PortWatch {
 public:
  // kBadRequest when the orders name no usable path.
  [[nodiscard]] static Result<PortWatch> For(const v1::PortAddress& port);

  [[nodiscard]] const std::vector<PortPath>& Sides() const { return sides_; }
  [[nodiscard]] std::optional<usb::UsbPhone> Look() const;
  // Until something on the port is `wanted`, else `late` with what was waited for.
  [[nodiscard]] Result<usb::UsbPhone> WaitFor(
      const std::function<bool(const usb::UsbPhone&)>& wanted, std::chrono::seconds patience,
      ErrorCode late, const std::string& what, JobControl& control) const;
  // Until that very enumeration (path and device number) is gone.
  [[nodiscard]] Status WaitForLeaving(const usb::UsbPhone& device, std::chrono::seconds patience,
                                      ErrorCode late, const std::string& what,
                                      JobControl& control) const;

 private:
  usb::Topology topology_;
  std::vector<PortPath> sides_;
};

// ECID of a device in recovery or DFU from its serial string; unknown (0) when it does not say.
[[nodiscard]] Ecid EcidOf(const usb::UsbPhone& device);
// UDID as usbmuxd writes it, from iSerial: 24 characters get a dash behind the eighth
// (device-services 1.7).
[[nodiscard]] std::string UdidOf(const usb::UsbPhone& device);

}  // namespace station::worker
