#pragma once
// What can be wrong around the station on this machine, each check with what to do about it. Looks
// only; never touches a phone.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "station/base/result.h"
#include "station/ctl/text.h"

namespace station::ctl {

enum class Health : std::uint8_t { kOk, kWarn, kFail };
[[nodiscard]] std::string_view Name(Health health);

struct Finding {
  Health health = Health::kOk;
  std::string name;        // "usbmuxd"
  std::string detail;      // what was seen
  std::string what_to_do;  // empty when ok
};

// udev rules named after the station in one of `folders`.
[[nodiscard]] Finding CheckUdevRules(const std::vector<std::filesystem::path>& folders);
// Sane and synchronised: signing refuses a clock that is far off.
[[nodiscard]] Finding CheckClock();
[[nodiscard]] Finding CheckDisk(const std::filesystem::path& store);
// A TCP connection to the host of `url` (through `proxy` when given), within `limit`.
[[nodiscard]] Finding CheckReachable(std::string name, const std::string& url,
                                     const std::string& proxy, std::chrono::milliseconds limit);

// Serial numbers of the phones usbmuxd lists, as on the bus: without dashes.
// `address` is USBMUXD_SOCKET_ADDRESS: "UNIX:/path", "HOST:PORT", or empty for /var/run/usbmuxd.
[[nodiscard]] Result<std::set<std::string>> ListMuxDevices(const std::string& address);
[[nodiscard]] Finding CheckMux(const Result<std::set<std::string>>& devices,
                               const std::string& address, const std::string& version);
// What the installed usbmuxd calls itself, as "1.1.1"; empty when it is not installed or does not
// say.
[[nodiscard]] std::string InstalledMuxVersion();

// What sysfs says about one device on the bus.
struct UsbDevice {
  std::string name;        // "1-4.2"
  std::string controller;  // "pci0000:00/0000:00:14.0"
  std::string serial;
  std::uint16_t vendor = 0;
  std::uint16_t product = 0;
  int speed_mbit = 0;
  int depth = 0;      // hubs between it and the controller, the root hub included
  int endpoints = 0;  // the default one included
  bool configured = false;
  bool hub = false;
  std::uint16_t controller_vendor = 0;  // PCI vendor; 0 when it is no PCI device
};
// `root` is /sys.
[[nodiscard]] std::vector<UsbDevice> ReadUsb(const std::filesystem::path& root);
[[nodiscard]] bool IsPhone(const UsbDevice& device);

// Phones: not in usbmuxd's list (when there is one), slow, unconfigured, too many hubs.
[[nodiscard]] std::vector<Finding> CheckPhones(const std::vector<UsbDevice>& devices,
                                               const std::set<std::string>* mux_serials);
// Controllers near the number of endpoints or devices they can serve.
[[nodiscard]] std::vector<Finding> CheckControllers(const std::vector<UsbDevice>& devices);

[[nodiscard]] std::string RenderFindings(const std::vector<Finding>& findings,
                                         const Screen& screen);
[[nodiscard]] std::string FindingsJson(const std::vector<Finding>& findings);

}  // namespace station::ctl
