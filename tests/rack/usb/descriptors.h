#pragma once
// What a device says of itself: its USB descriptors, and what the bus reads back out of them.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/rack/usb/usb_function.h"

namespace rack {

struct DescriptorSet {
  UsbSpeed speed = UsbSpeed::kHigh480M;
  bool is_hub = false;
  HubPower hub_power = HubPower::kPortByPort;
  std::vector<std::uint8_t> device;
  std::vector<std::uint8_t> configuration;         // the only one, value 1
  std::map<std::uint8_t, std::string> strings;     // ASCII; an index that is missing stalls
  std::function<std::string()> fresh_nonces = {};  // as UsbIdentity has it
};

// One alternate setting of an interface.
struct InterfaceSetting {
  std::uint8_t number = 0;
  std::uint8_t alternate = 0;
  std::uint8_t interface_class = 0;
  std::uint8_t subclass = 0;
  std::uint8_t protocol = 0;
  std::uint8_t name = 0;  // string index
  std::vector<std::uint8_t> endpoints;
};

// The recovery configuration has 57 bytes, the DFU one no endpoints, the mux one what usbmuxd looks
// for.
[[nodiscard]] DescriptorSet DescribePhone(const UsbIdentity& identity);
// A hub; a root hub names its `controller`, another one leaves it empty.
[[nodiscard]] DescriptorSet DescribeHub(UsbSpeed speed, const std::string& controller,
                                        HubPower power = HubPower::kPortByPort);

[[nodiscard]] std::vector<InterfaceSetting> Interfaces(const DescriptorSet& set);
// What GET_DESCRIPTOR answers, uncut; nothing is a stall.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> GetDescriptor(const DescriptorSet& set,
                                                                     std::uint8_t type,
                                                                     std::uint8_t index);

}  // namespace rack
