#pragma once
// The rack's cables into a virtual machine: for each port of the cart a socket that speaks
// usb-redir and plays the USB host's end to it. QEMU connects (`-chardev socket -device
// usb-redir`), and its guest's own kernel finds the phone on the port that the device was given.

#include <filesystem>
#include <map>
#include <memory>
#include <vector>

#include "tests/rack/redir/port.h"
#include "tests/rack/usb/usb_function.h"

namespace rack {

class RedirFront : public UsbHost {
 public:
  // Sockets `folder`/PORT.sock, a port's name as on the cart: "1-4.2.sock".
  [[nodiscard]] static station::Result<std::unique_ptr<RedirFront>> Open(
      const std::filesystem::path& folder, const std::vector<station::PortPath>& ports);

  // Both sides of a port are one socket. kNotFound for a port that the cart does not have. The
  // guest gives addresses, so the one returned has none.
  station::Result<UsbAddress> Attach(const station::PortPath& port, const UsbIdentity& identity,
                                     std::shared_ptr<UsbFunction> function) override;
  void Detach(const station::PortPath& port) override;
  void DataReady(const station::PortPath& port) override;

 private:
  [[nodiscard]] RedirPort* Find(const station::PortPath& port) const;

  std::map<station::PortPath, std::unique_ptr<RedirPort>> ports_;
};

}  // namespace rack
