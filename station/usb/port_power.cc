#include "station/usb/port_power.h"

#include <libusb.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace station::usb {
namespace {

// USB 2.0, 11.24.2; USB 3.2, 10.16.2.
constexpr std::uint8_t kToHub = 0xA0;   // in, class, device
constexpr std::uint8_t kToPort = 0x23;  // out, class, other
constexpr std::uint8_t kGetDescriptor = 6;
constexpr std::uint8_t kClearFeature = 1;
constexpr std::uint8_t kSetFeature = 3;
constexpr std::uint16_t kPortPower = 8;
constexpr std::uint16_t kHubDescriptor = 0x2900;
constexpr std::uint16_t kSuperHubDescriptor = 0x2A00;
constexpr unsigned kTimeoutMilliseconds = 5000;
constexpr std::uint16_t kUsb3 = 0x0300;

struct ExitContext {
  void operator()(libusb_context* context) const noexcept { libusb_exit(context); }
};
struct CloseHandle {
  void operator()(libusb_device_handle* handle) const noexcept { libusb_close(handle); }
};
using Context = std::unique_ptr<libusb_context, ExitContext>;
using Handle = std::unique_ptr<libusb_device_handle, CloseHandle>;

Error Failure(int code, const std::string& what) {
  return {ErrorCode::kPortAct, what + ": " + libusb_error_name(code)};
}

PortPath PathOf(libusb_device* device) {
  std::array<std::uint8_t, 8> ports{};
  const int depth = libusb_get_port_numbers(device, ports.data(), static_cast<int>(ports.size()));
  PortPath path{libusb_get_bus_number(device), {}};
  if (depth > 0) path.chain.assign(ports.begin(), ports.begin() + depth);
  return path;
}

Result<Context> OpenContext() {
  libusb_context* context = nullptr;
  if (const int code = libusb_init(&context); code != 0)
    return std::unexpected(Failure(code, "opening USB"));
  return Context(context);
}

// Nothing when there is no device at that path.
Result<Handle> OpenAt(libusb_context* context, const PortPath& path) {
  libusb_device** list = nullptr;
  const ssize_t count = libusb_get_device_list(context, &list);
  if (count < 0) return std::unexpected(Failure(static_cast<int>(count), "listing devices"));
  int code = 0;
  Handle handle;
  for (libusb_device* device : std::span(list, static_cast<std::size_t>(count)))
    if (PathOf(device) == path) {
      libusb_device_handle* opened = nullptr;
      code = libusb_open(device, &opened);
      handle.reset(opened);
      break;
    }
  libusb_free_device_list(list, 1);
  if (code != 0) return std::unexpected(Failure(code, "opening " + ToString(path)));
  return handle;
}

// A hub, open, and which of its ports is meant.
struct Side {
  Handle hub;
  PortPath port;
};

Result<PowerSwitching> Switching(const Side& side) {
  libusb_device_descriptor device{};
  libusb_get_device_descriptor(libusb_get_device(side.hub.get()), &device);
  const std::uint16_t kind = device.bcdUSB >= kUsb3 ? kSuperHubDescriptor : kHubDescriptor;
  std::array<unsigned char, 64> bytes{};
  const int got = libusb_control_transfer(side.hub.get(), kToHub, kGetDescriptor, kind, 0,
                                          bytes.data(), bytes.size(), kTimeoutMilliseconds);
  if (got < 5) return std::unexpected(Failure(got, "asking the hub of " + ToString(side.port)));
  return SwitchingOf(static_cast<std::uint16_t>(bytes[3] | bytes[4] << 8U));
}

Status Switch(const Side& side, bool on) {
  const int code =
      libusb_control_transfer(side.hub.get(), kToPort, on ? kSetFeature : kClearFeature, kPortPower,
                              side.port.chain.back(), nullptr, 0, kTimeoutMilliseconds);
  if (code < 0) return std::unexpected(Failure(code, "switching port " + ToString(side.port)));
  return {};
}

Result<std::vector<Side>> OpenSides(libusb_context* context, std::span<const PortPath> ports) {
  std::vector<Side> sides;
  for (const PortPath& port : ports) {
    if (port.chain.empty()) return Fail(ErrorCode::kBadRequest, "a port has a number");
    STATION_TRY(hub, OpenAt(context, HubOf(port)));
    if (hub == nullptr) return Fail(ErrorCode::kPortAct, "no hub at " + ToString(HubOf(port)));
    sides.push_back({std::move(hub), port});
    STATION_TRY(switching, Switching(sides.back()));
    if (switching != PowerSwitching::kPortByPort)
      return Fail(ErrorCode::kPortPowerUnsupported,
                  "the hub of " + ToString(port) +
                      (switching == PowerSwitching::kNone ? " switches no power"
                                                          : " switches all its ports together"));
  }
  if (sides.empty()) return Fail(ErrorCode::kBadRequest, "no port named");
  return sides;
}

Status SwitchAll(const std::vector<Side>& sides, bool on) {
  Status worst;
  for (const Side& side : sides)
    if (const Status one = Switch(side, on); !one) worst = one;
  return worst;
}

}  // namespace

PowerSwitching SwitchingOf(std::uint16_t hub_characteristics) {
  switch (hub_characteristics & 3U) {
    case 0:
      return PowerSwitching::kAllTogether;
    case 1:
      return PowerSwitching::kPortByPort;
    default:  // bits from the wire
      return PowerSwitching::kNone;
  }
}

PortPath HubOf(const PortPath& port) {
  PortPath hub = port;
  if (!hub.chain.empty()) hub.chain.pop_back();
  return hub;
}

Status SwitchPower(std::span<const PortPath> ports, bool on) {
  STATION_TRY(context, OpenContext());
  STATION_TRY(sides, OpenSides(context.get(), ports));
  return SwitchAll(sides, on);
}

Status CyclePower(std::span<const PortPath> ports, std::chrono::milliseconds off) {
  STATION_TRY(context, OpenContext());
  STATION_TRY(sides, OpenSides(context.get(), ports));
  const Status switched_off = SwitchAll(sides, false);
  if (switched_off) std::this_thread::sleep_for(off);
  STATION_CHECK(SwitchAll(sides, true));
  return switched_off;
}

Status ResetDevice(std::span<const PortPath> ports) {
  STATION_TRY(context, OpenContext());
  for (const PortPath& port : ports) {
    STATION_TRY(device, OpenAt(context.get(), port));
    if (device == nullptr) continue;
    const int code = libusb_reset_device(device.get());
    // It came back as another device: that is a reset as well.
    if (code == 0 || code == LIBUSB_ERROR_NOT_FOUND) return {};
    return std::unexpected(Failure(code, "resetting the phone on " + ToString(port)));
  }
  return Fail(ErrorCode::kPhoneGone, "no device on the port");
}

}  // namespace station::usb
