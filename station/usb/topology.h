#pragma once
// Which phones are on the bus and at which physical ports, read from sysfs alone: no device node is
// ever opened.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "station/base/enums.h"
#include "station/base/ids.h"
#include "station/base/result.h"

namespace station::usb {

struct UsbPhone {
  PortKey port;
  PortPath path;  // where it is now
  std::optional<PortPath>
      other_side;  // the same physical port on the other bus (USB 2 / USB 3), when there is one
  PhoneMode mode = PhoneMode::kNone;  // kNormal also in restore mode
  std::uint16_t product_id = 0;
  std::string serial;               // as sysfs has it
  std::string speed;                // Mbit/s, "480"
  std::uint16_t device_number = 0;  // changes with every re-enumeration
  friend bool operator==(const UsbPhone&, const UsbPhone&) = default;
};

class Topology {
 public:
  // `sysfs` is "/sys", or a temporary tree.
  explicit Topology(std::filesystem::path sysfs = "/sys") : sysfs_(std::move(sysfs)) {}

  // Every Apple phone on the bus, in the order of their ports. A device that leaves while it is
  // read is left out.
  [[nodiscard]] std::vector<UsbPhone> Scan() const;
  // The phone at that path right now; nothing when none is there.
  [[nodiscard]] std::optional<UsbPhone> At(const PortPath& path) const {
    return Read(ToString(path));
  }
  // The port a device of that name ("1-4.2") is, or would be, at. kNotFound when sysfs does not
  // have it.
  [[nodiscard]] Result<PortKey> KeyOf(const PortPath& path) const;
  // Where the sides of a port are now, USB 2 first; none when its controller is not there.
  [[nodiscard]] std::vector<PortPath> PathsOf(const PortKey& key) const;

 private:
  struct Sides {
    PortKey key;
    std::optional<PortPath> other;
  };
  [[nodiscard]] std::optional<UsbPhone> Read(const std::string& name) const;
  [[nodiscard]] std::optional<Sides> SidesOf(const PortPath& path) const;
  [[nodiscard]] std::optional<PortPath> PeerOf(const PortPath& path) const;
  [[nodiscard]] std::optional<std::string> Controller(std::uint8_t bus) const;
  [[nodiscard]] bool IsSuperSpeedBus(std::uint8_t bus) const;
  [[nodiscard]] std::filesystem::path DeviceFolder(const std::string& name) const;

  std::filesystem::path sysfs_;
};

}  // namespace station::usb
