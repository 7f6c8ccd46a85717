#pragma once
// One world's /sys and /dev as a Linux host would show them: folders, attributes and links of the
// USB devices, and a FIFO for each device node.

#include <cstdint>
#include <string>
#include <vector>

#include "station/base/fd.h"
#include "station/base/result.h"
#include "tests/rack/usb/usb_device.h"

namespace rack {

class SysfsTree {
 public:
  explicit SysfsTree(std::string root) : root_(std::move(root)) {}

  // The empty tree: buses, classes, the folders that programs expect to be able to open.
  station::Status Create();
  // Below Sys(): everything about `device`; its parents are there already.
  station::Status Add(const UsbDevice& device);
  void Remove(const UsbDevice& device);
  void SetConfiguration(const UsbDevice& device);

  // The node, as a FIFO open for both ends (so that no open by a client blocks).
  station::Result<station::Fd> AddNode(const UsbDevice& device);
  void RemoveNode(const UsbDevice& device);
  // Where the preload looks for the server of a device's node; the folder exists once Create() has
  // run.
  [[nodiscard]] std::string SocketPath(const UsbDevice& device) const;

 private:
  station::Status AddController(std::uint8_t bus);
  station::Status AddDeviceAttributes(const UsbDevice& device, const std::string& folder);
  station::Status AddInterfaces(const UsbDevice& device, const std::string& folder);
  station::Status AddPorts(const UsbDevice& hub);
  station::Status LinkToPort(const UsbDevice& device, const std::string& folder);

  // Paths are absolute as a client sees them ("/sys/...").
  station::Status MakeFolder(const std::string& path);
  station::Status Write(const std::string& path, const std::string& content);
  station::Status Link(const std::string& path, const std::string& target);

  const std::string root_;
};

// The lines of /sys/.../uevent, which udev also sends along with an event.
[[nodiscard]] std::vector<std::string> UeventLines(const UsbDevice& device);

}  // namespace rack
