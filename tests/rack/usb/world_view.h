#pragma once
// One world: which devices it shows, and everything about them below its root (sysfs, nodes,
// sockets, events).

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/rack/usb/ioctl_server.h"
#include "tests/rack/usb/sysfs_tree.h"
#include "tests/rack/usb/uevent.h"
#include "tests/rack/usb/usbfs_file.h"

namespace rack {

// Not thread-safe; the bus's lock guards it.
class WorldView {
 public:
  WorldView(std::string root, std::optional<std::vector<station::PortPath>> only,
            IoctlServer& server, UsbfsFile::Configured configured);
  // Cuts clients off and removes the root.
  ~WorldView();
  WorldView(const WorldView&) = delete;
  WorldView& operator=(const WorldView&) = delete;

  station::Status Create();
  [[nodiscard]] const std::string& Root() const { return root_; }
  // Both do nothing for a device this world does not show.
  station::Status Show(const std::shared_ptr<UsbDevice>& device);
  void Hide(const UsbDevice& device);
  void Configured(const UsbDevice& device);

 private:
  // Hubs are shown when they are on the way to a port that is.
  [[nodiscard]] bool Shows(const UsbDevice& device) const;
  void Announce(const char* action, const UsbDevice& device);
  void CloseRetired(const std::string& socket_path);

  struct Retired {
    std::string socket_path;
    std::uint64_t listener;
  };

  const std::string root_;
  const std::optional<std::vector<station::PortPath>> only_;
  IoctlServer& server_;
  const UsbfsFile::Configured configured_;
  SysfsTree tree_;
  std::unique_ptr<UeventSender> events_;
  std::optional<std::uint64_t> default_listener_;
  std::map<station::PortPath, std::uint64_t> listeners_;
  // The preload ends a client whose socket vanishes between the two steps of its open(): sockets of
  // unplugged devices stay a while and answer ENODEV.
  std::deque<Retired> retired_;
};

}  // namespace rack
