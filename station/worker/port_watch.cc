#include "station/worker/port_watch.h"

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

Result<usb::PortDevice> PortWatch::WaitFor(const std::function<bool(const usb::PortDevice&)>& wanted,
                                           std::chrono::seconds patience, ErrorCode late, const std::string& what,
                                           JobControl& control) const {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (true) {
    const auto device = Look();
    if (device && wanted(*device)) return *device;
    if (std::chrono::steady_clock::now() > deadline)
      return Fail(late, what + ": not within " + std::to_string(patience.count()) + " s; on the port: " +
                            (device ? std::string(Name(usb::ModeOf(device->product_id))) : "nothing"));
    STATION_CHECK(control.Pause(kLookAgain));
  }
}

Status PortWatch::WaitForLeaving(const usb::PortDevice& device, std::chrono::seconds patience, ErrorCode late,
                                 const std::string& what, JobControl& control) const {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (true) {
    const auto now = Look();
    if (!now || now->bus != device.bus || now->address != device.address) return {};
    if (std::chrono::steady_clock::now() > deadline)
      return Fail(late, what + ": the phone did not leave within " + std::to_string(patience.count()) + " s");
    STATION_CHECK(control.Pause(kLookAgain));
  }
}

Ecid EcidOf(const usb::PortDevice& device) {
  const auto token = usb::SerialToken(device.serial, "ECID");
  return token ? ParseEcid(*token).value_or(Ecid{}) : Ecid{};
}

std::string UdidOf(const usb::PortDevice& device) {
  std::string udid = device.serial;
  if (udid.size() == 24) udid.insert(8, "-");
  return udid;
}

}  // namespace station::worker
