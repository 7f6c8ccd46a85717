#include "tests/rack/usb/descriptors.h"

#include <algorithm>

#include "tests/rack/usb/port_names.h"

namespace rack {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint8_t kDeviceType = 1;
constexpr std::uint8_t kConfigurationType = 2;
constexpr std::uint8_t kStringType = 3;
constexpr std::uint8_t kInterfaceType = 4;
constexpr std::uint8_t kEndpointType = 5;
constexpr std::uint8_t kQualifierType = 6;
constexpr std::uint8_t kBosType = 0x0F;
constexpr std::uint8_t kHubType = 0x29;
constexpr std::uint8_t kSuperHubType = 0x2A;
constexpr std::uint8_t kBulk = 2;
constexpr std::uint8_t kInterrupt = 3;
constexpr std::size_t kMaxStringLength = 126;  // (255 - 2) / 2

std::uint8_t Low(unsigned value) { return static_cast<std::uint8_t>(value & 0xFFU); }
std::uint8_t High(unsigned value) { return static_cast<std::uint8_t>((value >> 8U) & 0xFFU); }

void Append(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }

struct DeviceClass {
  std::uint8_t device_class;
  std::uint8_t subclass;
  std::uint8_t protocol;
};

struct StringIndexes {
  std::uint8_t manufacturer;
  std::uint8_t product;
  std::uint8_t serial;
};

Bytes DeviceDescriptor(UsbSpeed speed, DeviceClass kind, std::uint16_t vendor,
                       std::uint16_t product, StringIndexes strings) {
  const bool super = speed == UsbSpeed::kSuper5G;
  const std::uint8_t packet_size = super ? 9 : 64;  // an exponent at 5 Gbit/s
  return {18,
          kDeviceType,
          0x00,
          Low(super ? 3 : 2),
          kind.device_class,
          kind.subclass,
          kind.protocol,
          packet_size,
          Low(vendor),
          High(vendor),
          Low(product),
          High(product),
          0,
          0,
          strings.manufacturer,
          strings.product,
          strings.serial,
          1};
}

Bytes InterfaceDescriptor(const InterfaceSetting& setting) {
  return {9,
          kInterfaceType,
          setting.number,
          setting.alternate,
          static_cast<std::uint8_t>(setting.endpoints.size()),
          setting.interface_class,
          setting.subclass,
          setting.protocol,
          setting.name};
}

Bytes EndpointDescriptor(UsbSpeed speed, std::uint8_t address, std::uint8_t type) {
  const bool super = speed == UsbSpeed::kSuper5G;
  const unsigned packet = type == kInterrupt ? 2 : super ? 1024 : 512;
  const std::uint8_t interval = type == kInterrupt ? 12 : 0;
  Bytes bytes = {7, kEndpointType, address, type, Low(packet), High(packet), interval};
  if (super) Append(bytes, {6, 0x30, 0, 0, 0, 0});  // endpoint companion
  return bytes;
}

Bytes ConfigurationDescriptor(const Bytes& body, std::uint8_t interfaces, std::uint8_t name,
                              std::uint8_t attributes, std::uint8_t power) {
  const auto total = static_cast<unsigned>(9 + body.size());
  Bytes bytes = {9,    kConfigurationType, Low(total), High(total), interfaces, 1,
                 name, attributes,         power};
  Append(bytes, body);
  return bytes;
}

Bytes PhoneConfiguration(const UsbIdentity& identity) {
  constexpr std::uint8_t kBusPowered = 0x80;
  const auto bulk = [&](std::uint8_t address) {
    return EndpointDescriptor(identity.speed, address, kBulk);
  };
  Bytes body;
  std::uint8_t interfaces = 1;
  switch (identity.shape) {
    case UsbIdentity::Shape::kDfu:
      Append(body, InterfaceDescriptor({0, 0, 0xFE, 0x01, 0x00, 0, {}}));
      // Functional descriptor: can download, 255 ms detach time, 0x800 bytes a block, DFU 1.1.
      Append(body, {9, 0x21, 0x01, 0xFF, 0x00, 0x00, 0x08, 0x10, 0x01});
      break;
    case UsbIdentity::Shape::kRecovery:
      interfaces = 2;
      Append(body, InterfaceDescriptor({0, 0, 0xFF, 0xFF, 0x51, 6, {0x04}}));
      Append(body, bulk(0x04));
      Append(body, InterfaceDescriptor({1, 0, 0xFF, 0xFF, 0x51, 0, {}}));
      Append(body, InterfaceDescriptor({1, 1, 0xFF, 0xFF, 0x51, 0, {0x81, 0x02}}));
      Append(body, bulk(0x81));
      Append(body, bulk(0x02));
      break;
    case UsbIdentity::Shape::kMux:
      Append(body, InterfaceDescriptor({0, 0, 0xFF, 0xFE, 0x02, 6, {0x04, 0x85}}));
      Append(body, bulk(0x04));
      Append(body, bulk(0x85));
      break;
  }
  const std::uint8_t power = identity.speed == UsbSpeed::kSuper5G ? 62 : 250;  // 500 mA
  return ConfigurationDescriptor(body, interfaces, 5, kBusPowered, power);
}

Bytes StringDescriptor(const std::string& text) {
  const std::size_t length = std::min(text.size(), kMaxStringLength);
  Bytes bytes = {static_cast<std::uint8_t>(2 + 2 * length), kStringType};
  for (std::size_t i = 0; i < length; ++i) {
    bytes.push_back(static_cast<std::uint8_t>(text[i]));
    bytes.push_back(0);
  }
  return bytes;
}

Bytes QualifierDescriptor(const Bytes& device) {
  Bytes bytes = {10, kQualifierType};
  bytes.insert(bytes.end(), device.begin() + 2, device.begin() + 8);
  Append(bytes, {1, 0});
  return bytes;
}

// Two capabilities: USB 2 extension, SuperSpeed (high speed and 5 Gbit/s supported).
Bytes BosDescriptor() {
  return {5, kBosType, 22,   0, 2, 7,    0x10, 2, 2,  0,    0,
          0, 10,       0x10, 3, 0, 0x0C, 0,    2, 10, 0xFF, 0x07};
}

Bytes HubDescriptor(const DescriptorSet& set) {
  // Power as the hub can (USB 2.0, table 11-13), over-current protection port by port, 100 ms to
  // good power.
  const std::uint8_t traits = set.hub_power == HubPower::kPortByPort    ? 0x09
                              : set.hub_power == HubPower::kAllTogether ? 0x08
                                                                        : 0x0A;
  if (set.speed == UsbSpeed::kSuper5G)
    return {12, kSuperHubType, kPortsPerHub, traits, 0x00, 50, 0, 0, 0, 0, 0, 0};
  constexpr std::size_t kBitmap = kPortsPerHub / 8 + 1;
  Bytes bytes = {7 + 2 * kBitmap, kHubType, kPortsPerHub, traits, 0x00, 50, 0};
  bytes.insert(bytes.end(), kBitmap, 0x00);
  bytes.insert(bytes.end(), kBitmap, 0xFF);
  return bytes;
}

}  // namespace

DescriptorSet DescribePhone(const UsbIdentity& identity) {
  DescriptorSet set;
  set.speed = identity.speed;
  const auto named = [&](std::uint8_t index, const std::string& text) -> std::uint8_t {
    if (text.empty()) return 0;
    set.strings[index] = text.substr(0, kMaxStringLength);
    return index;
  };
  named(1, identity.nonces);
  set.fresh_nonces = identity.fresh_nonces;
  const StringIndexes indexes = {named(2, identity.manufacturer), named(3, identity.product),
                                 named(4, identity.serial)};
  named(5, "Apple Mobile Device");
  named(6, "Apple USB Serial Interface");
  set.device =
      DeviceDescriptor(identity.speed, {0, 0, 0}, identity.vendor_id, identity.product_id, indexes);
  set.configuration = PhoneConfiguration(identity);
  return set;
}

DescriptorSet DescribeHub(UsbSpeed speed, const std::string& controller, HubPower power) {
  const bool super = speed == UsbSpeed::kSuper5G;
  const bool root = !controller.empty();
  DescriptorSet set;
  set.speed = speed;
  set.is_hub = true;
  set.hub_power = power;
  StringIndexes indexes = {0, 0, 0};
  if (root) {
    set.strings = {{1, controller}, {2, "xHCI Host Controller"}, {3, "Linux 6.1.0 xhci-hcd"}};
    indexes = {3, 2, 1};
  } else {
    set.strings = {{1, "Rack"}, {2, super ? "USB3 Hub" : "USB2 Hub"}};
    indexes = {1, 2, 0};
  }
  const std::uint16_t vendor = root ? 0x1D6B : 0x0424;  // Linux Foundation; Microchip
  const std::uint16_t product = root ? (super ? 3 : 2) : (super ? 0x5816 : 0x2816);
  const std::uint8_t protocol = super ? 3 : root ? 1 : 2;
  set.device = DeviceDescriptor(speed, {9, 0, protocol}, vendor, product, indexes);
  Bytes body = InterfaceDescriptor({0, 0, 9, 0, 0, 0, {0x81}});
  Append(body, EndpointDescriptor(speed, 0x81, kInterrupt));
  set.configuration = ConfigurationDescriptor(body, 1, 0, 0xE0, 0);
  return set;
}

std::vector<InterfaceSetting> Interfaces(const DescriptorSet& set) {
  std::vector<InterfaceSetting> settings;
  const Bytes& bytes = set.configuration;
  for (std::size_t at = 0; at + 1 < bytes.size() && bytes[at] != 0; at += bytes[at]) {
    const std::uint8_t* entry = &bytes[at];
    if (entry[1] == kInterfaceType)
      settings.push_back({entry[2], entry[3], entry[5], entry[6], entry[7], entry[8], {}});
    if (entry[1] == kEndpointType) settings.back().endpoints.push_back(entry[2]);
  }
  return settings;
}

std::optional<Bytes> GetDescriptor(const DescriptorSet& set, std::uint8_t type,
                                   std::uint8_t index) {
  const bool super = set.speed == UsbSpeed::kSuper5G;
  switch (type) {
    case kDeviceType:
      return set.device;
    case kConfigurationType:
      if (index != 0) return std::nullopt;
      return set.configuration;
    case kStringType:
      if (index == 0) return Bytes{4, kStringType, 0x09, 0x04};  // English (United States)
      if (index == 1 && set.fresh_nonces) return StringDescriptor(set.fresh_nonces());
      if (const auto found = set.strings.find(index); found != set.strings.end())
        return StringDescriptor(found->second);
      return std::nullopt;
    case kQualifierType:
      if (super) return std::nullopt;
      return QualifierDescriptor(set.device);
    case kBosType:
      if (!super) return std::nullopt;
      return BosDescriptor();
    case kHubType:
    case kSuperHubType:
      if (!set.is_hub || (type == kSuperHubType) != super) return std::nullopt;
      return HubDescriptor(set);
    default:  // a byte from the wire, not an enum
      return std::nullopt;
  }
}

}  // namespace rack
