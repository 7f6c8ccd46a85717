#pragma once
// A device as every transport sees it: what it says of itself, what answers on its wire, and what
// it is plugged into. Knows nothing of phones; a phone is a UsbFunction behind a UsbIdentity.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "station/base/ids.h"
#include "station/base/result.h"

namespace rack {

enum class UsbSpeed { kHigh480M, kSuper5G };
// What of its ports' power a hub can switch.
enum class HubPower { kPortByPort, kAllTogether, kNone };

// What the descriptors say. Index 1 string is `nonces` (empty: a stall), 2 manufacturer, 3 product,
// 4 serial.
struct UsbIdentity {
  enum class Shape { kDfu, kRecovery, kMux } shape = Shape::kMux;  // which configuration descriptor
  std::uint16_t vendor_id = 0x05AC;
  std::uint16_t product_id = 0x12A8;
  std::string nonces;
  // Asked afresh for each read of string 1, from any thread; absent: `nonces` as it is.
  std::function<std::string()> fresh_nonces = {};
  std::string manufacturer = "Apple Inc.";
  std::string product;
  std::string serial;
  UsbSpeed speed = UsbSpeed::kHigh480M;
};

struct SetupPacket {
  std::uint8_t request_type = 0;
  std::uint8_t request = 0;
  std::uint16_t value = 0;
  std::uint16_t index = 0;
  std::uint16_t length = 0;
};

// What answers on the wire. Called from the bus's threads, at most one call at a time for a device.
class UsbFunction {
 public:
  virtual ~UsbFunction() = default;
  // Class and vendor requests (standard ones are answered by the bus). OUT: `out` holds the data
  // stage. Returns the IN data, or nothing for a stall.
  virtual std::optional<std::vector<std::uint8_t>> Control(const SetupPacket& setup,
                                                           std::span<const std::uint8_t> out) = 0;
  // One OUT transfer (also a zero-length one). False is a stall.
  virtual bool BulkOut(std::uint8_t endpoint, std::span<const std::uint8_t> data) = 0;
  // Up to `size` bytes; empty means nothing now (the transfer times out at the host).
  virtual std::vector<std::uint8_t> BulkIn(std::uint8_t endpoint, std::size_t size) = 0;
  // USB port reset by the host (libusb_reset_device).
  virtual void PortReset() = 0;
};

struct UsbAddress {
  std::uint8_t bus = 0;
  std::uint8_t device = 0;
};

// The host's side of the cables: the simulated bus, or a guest's.
class UsbHost {
 public:
  virtual ~UsbHost() = default;
  // Plugs a device in at `port`. kAlreadyExists when the port is taken. The function is kept until
  // Detach; a call that runs then may still come to its end afterwards.
  virtual station::Result<UsbAddress> Attach(const station::PortPath& port,
                                             const UsbIdentity& identity,
                                             std::shared_ptr<UsbFunction> function) = 0;
  // Pending transfers fail as with a pulled cable; idempotent.
  virtual void Detach(const station::PortPath& port) = 0;
  // The function at `port` may have IN data again: pending IN transfers ask it once more. (They
  // also do so after every other transfer of the device.)
  virtual void DataReady(const station::PortPath& port) = 0;
};

}  // namespace rack
