#include "station/worker/port_watch.h"

#include "station/usb/phone_serial.h"

namespace station::worker {
namespace {
constexpr std::chrono::milliseconds kLookAgain{100};
}

Result<PortWatch> PortWatch::For(const v1::PortAddress& port) {
  PortWatch watch;
  for (const std::string& text : port.paths()) {
    const auto path = ParsePortPath(text);
    if (!path) return Fail(ErrorCode::kBadRequest, "not a port path: " + text);
    watch.sides_.push_back(*path);
  }
  if (watch.sides_.empty()) return Fail(ErrorCode::kBadRequest, "orders without a port path");
  return watch;
}

std::optional<usb::UsbPhone> PortWatch::Look() const {
  for (const PortPath& side : sides_)
    if (auto phone = topology_.At(side)) return phone;
  return std::nullopt;
}

Result<usb::UsbPhone> PortWatch::WaitFor(const std::function<bool(const usb::UsbPhone&)>& wanted,
                                         std::chrono::seconds patience, ErrorCode late,
                                         const std::string& what, JobControl& control) const {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (true) {
    const auto device = Look();
    if (device && wanted(*device)) return *device;
    if (std::chrono::steady_clock::now() > deadline)
      return Fail(late,
                  what + ": not within " + std::to_string(patience.count()) +
                      " s; on the port: " + (device ? std::string(Name(device->mode)) : "nothing"));
    STATION_CHECK(control.Pause(kLookAgain));
  }
}

Status PortWatch::WaitForLeaving(const usb::UsbPhone& device, std::chrono::seconds patience,
                                 ErrorCode late, const std::string& what,
                                 JobControl& control) const {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (true) {
    const auto now = Look();
    if (!now || now->path != device.path || now->device_number != device.device_number) return {};
    if (std::chrono::steady_clock::now() > deadline)
      return Fail(late, what + ": the phone did not leave within " +
                            std::to_string(patience.count()) + " s");
    STATION_CHECK(control.Pause(kLookAgain));
  }
}

Ecid EcidOf(const usb::UsbPhone& device) {
  const auto tokens = usb::ParseSerialTokens(device.serial);
  return tokens ? tokens->ecid : Ecid{};
}

std::string UdidOf(const usb::UsbPhone& device) {
  // Some phones in restore mode show 40 "f": that is then what usbmuxd calls them.
  const std::string udid = usb::UdidOfSerial(device.serial);
  return udid.empty() ? device.serial : udid;
}

}  // namespace station::worker
