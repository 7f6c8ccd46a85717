#pragma once
// The rack's USB: simulated devices that unmodified libusb programs see through umockdev's preload.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/rack/usb/usb_function.h"

namespace rack {

// A world is one program's view: a umockdev root of its own, so that programs do not steal each
// other's hotplug events.
struct World {
  int id = 0;
  std::string root;  // UMOCKDEV_DIR; short, socket paths lie below it
};

class UsbBus : public UsbHost {
 public:
  // `dir`: an existing folder of its own, for the worlds' roots. Short (see World::root): use a
  // symlink-free path.
  explicit UsbBus(std::string dir);
  ~UsbBus() override;
  UsbBus(const UsbBus&) = delete;
  UsbBus& operator=(const UsbBus&) = delete;

  // `port` is "1-4.2"; missing hubs are made, and stay. Every world that shows it has the device.
  station::Result<UsbAddress> Attach(const station::PortPath& port, const UsbIdentity& identity,
                                     std::shared_ptr<UsbFunction> function) override;
  // Pending transfers fail with -ESHUTDOWN, later ones with ENODEV.
  void Detach(const station::PortPath& port) override;
  void DataReady(const station::PortPath& port) override;

  // For hubs (both sides of them) that are not there yet; else port by port.
  void SetHubPower(const station::PortPath& hub, HubPower power);
  // Called whenever a host has switched one side of a port, from the host's thread. `fed`: the
  // other side or this one still has power.
  using OnPower = std::function<void(const station::PortPath& side, bool on, bool fed)>;
  void SetOnPower(OnPower on_power);

  // A new view of the bus; with `only`, devices on those ports alone are visible in it.
  station::Result<World> CreateWorld(
      std::optional<std::vector<station::PortPath>> only = std::nullopt);
  void DestroyWorld(int id);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rack
