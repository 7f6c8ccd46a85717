#include "tests/rack/usb/sysfs_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <set>

#include "tests/rack/usb/port_names.h"

namespace rack {
namespace {

using station::Status;

constexpr int kUsbMajor = 189;

__attribute__((format(printf, 1, 2))) std::string Format(const char* format, ...) {
  char buffer[256];
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  return buffer;
}

int Minor(const UsbDevice& device) { return (device.Port().bus - 1) * 128 + device.Address() - 1; }

unsigned Word(const std::vector<std::uint8_t>& bytes, std::size_t at) {
  return static_cast<unsigned>(bytes[at] | bytes[at + 1] << 8U);
}

std::string Join(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

std::string Product(const UsbDevice& device) {
  const std::vector<std::uint8_t>& d = device.Descriptors().device;
  return Format("PRODUCT=%x/%x/%x", Word(d, 8), Word(d, 10), Word(d, 12));
}

std::string Type(const UsbDevice& device) {
  const std::vector<std::uint8_t>& d = device.Descriptors().device;
  return Format("TYPE=%d/%d/%d", d[4], d[5], d[6]);
}

std::string DottedChain(const station::PortPath& port) {
  if (port.chain.empty()) return "0";
  const std::string name = DeviceName(port);
  return name.substr(name.find('-') + 1);
}

struct Attribute {
  const char* name;
  std::string value;
};

std::vector<Attribute> DescriptorAttributes(const DescriptorSet& set) {
  const std::vector<std::uint8_t>& d = set.device;
  const std::vector<std::uint8_t>& c = set.configuration;
  const int milliamps = c[8] * (set.speed == UsbSpeed::kSuper5G ? 8 : 2);
  return {
      {"version", Format("%2x.%02x", d[3], d[2])}, {"bDeviceClass", Format("%02x", d[4])},
      {"bDeviceSubClass", Format("%02x", d[5])},   {"bDeviceProtocol", Format("%02x", d[6])},
      {"bMaxPacketSize0", Format("%d", d[7])},     {"idVendor", Format("%04x", Word(d, 8))},
      {"idProduct", Format("%04x", Word(d, 10))},  {"bcdDevice", Format("%04x", Word(d, 12))},
      {"bNumConfigurations", Format("%d", d[17])}, {"bNumInterfaces", Format("%2d", c[4])},
      {"bmAttributes", Format("%02x", c[7])},      {"bMaxPower", Format("%dmA", milliamps)},
  };
}

std::vector<Attribute> StringAttributes(const DescriptorSet& set) {
  const std::vector<std::uint8_t>& d = set.device;
  std::vector<Attribute> attributes;
  const auto add = [&](const char* name, std::uint8_t index) {
    if (const auto found = set.strings.find(index); index != 0 && found != set.strings.end())
      attributes.push_back({name, found->second});
  };
  add("manufacturer", d[14]);
  add("product", d[15]);
  add("serial", d[16]);
  const auto configuration = set.strings.find(set.configuration[6]);
  const bool named = set.configuration[6] != 0 && configuration != set.strings.end();
  attributes.push_back({"configuration", named ? configuration->second : ""});  // always there
  return attributes;
}

std::vector<Attribute> PositionAttributes(const UsbDevice& device) {
  const DescriptorSet& set = device.Descriptors();
  return {
      {"busnum", Format("%d", device.Port().bus)},
      {"devnum", Format("%d", device.Address())},
      {"devpath", DottedChain(device.Port())},
      {"speed", set.speed == UsbSpeed::kSuper5G ? "5000" : "480"},
      {"maxchild", Format("%d", set.is_hub ? kPortsPerHub : 0)},
      {"bConfigurationValue", Format("%d", device.Configuration())},
      {"dev", Format("%d:%d", kUsbMajor, Minor(device))},
      {"authorized", "1"},
      {"removable", device.Port().chain.empty() ? "unknown" : "removable"},
      {"rx_lanes", "1"},
      {"tx_lanes", "1"},
      {"urbnum", "0"},
      {"quirks", "0x0"},
      {"ltm_capable", "no"},
  };
}

}  // namespace

std::vector<std::string> UeventLines(const UsbDevice& device) {
  const int bus = device.Port().bus;
  return {Format("MAJOR=%d", kUsbMajor),
          Format("MINOR=%d", Minor(device)),
          "DEVNAME=" + NodeName(device.Port().bus, device.Address()),
          "DEVTYPE=usb_device",
          "DRIVER=usb",
          Product(device),
          Type(device),
          Format("BUSNUM=%03d", bus),
          Format("DEVNUM=%03d", device.Address())};
}

Status SysfsTree::MakeFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(root_ + path, error);
  if (error) return station::FailErrno("making " + root_ + path, error.value());
  return {};
}

Status SysfsTree::Write(const std::string& path, const std::string& content) {
  const station::Fd file(
      ::open((root_ + path).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file.Valid() ||
      ::write(file.Get(), content.data(), content.size()) != static_cast<ssize_t>(content.size()))
    return station::FailErrno("writing " + root_ + path, errno);
  return {};
}

// Relative, as sysfs has them, so that they hold inside and outside the world.
Status SysfsTree::Link(const std::string& path, const std::string& target) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const std::string relative = std::filesystem::path(target).lexically_relative(folder).string();
  if (::symlink(relative.c_str(), (root_ + path).c_str()) != 0 && errno != EEXIST)
    return station::FailErrno("linking " + root_ + path, errno);
  return {};
}

Status SysfsTree::Create() {
  for (const char* folder :
       {"/dev/.node", "/sys/bus/usb/devices", "/sys/bus/usb/drivers/usb",
        "/sys/bus/usb/drivers/hub", "/sys/bus/pci/devices", "/sys/bus/pci/drivers/xhci_hcd",
        "/sys/class", "/run/udev/data", "/ioctl"})
    STATION_CHECK(MakeFolder(folder));
  for (int bus = 1; bus <= kMaxBus; ++bus) {
    STATION_CHECK(MakeFolder(Format("/dev/bus/usb/%03d", bus)));
    STATION_CHECK(MakeFolder(Format("/ioctl/dev/bus/usb/%03d", bus)));
  }
  // The preload of a client with another user id binds its monitor sockets here.
  if (::chmod(root_.c_str(), 0777) != 0) return station::FailErrno("opening up " + root_, errno);
  return {};
}

Status SysfsTree::AddController(std::uint8_t bus) {
  const std::string folder = "/sys" + ControllerPath(bus);
  const std::string name = std::filesystem::path(folder).filename().string();
  STATION_CHECK(MakeFolder(folder));
  STATION_CHECK(
      Write(folder + "/uevent", "DRIVER=xhci_hcd\nPCI_CLASS=C0330\nPCI_SLOT_NAME=" + name + "\n"));
  STATION_CHECK(Write(folder + "/class", "0x0c0330\n"));
  STATION_CHECK(Link(folder + "/driver", "/sys/bus/pci/drivers/xhci_hcd"));
  STATION_CHECK(Link(folder + "/subsystem", "/sys/bus/pci"));
  return Link("/sys/bus/pci/devices/" + name, folder);
}

Status SysfsTree::Add(const UsbDevice& device) {
  const std::string folder = "/sys" + DevicePath(device.Port());
  if (device.Port().chain.empty()) STATION_CHECK(AddController(device.Port().bus));
  STATION_CHECK(MakeFolder(folder));
  STATION_CHECK(AddDeviceAttributes(device, folder));
  STATION_CHECK(AddInterfaces(device, folder));
  if (device.Descriptors().is_hub) STATION_CHECK(AddPorts(device));
  if (!device.Port().chain.empty()) STATION_CHECK(LinkToPort(device, folder));
  // Last: from here on the device is found by a scan.
  return Link("/sys/bus/usb/devices/" + DeviceName(device.Port()), folder);
}

Status SysfsTree::AddDeviceAttributes(const UsbDevice& device, const std::string& folder) {
  const DescriptorSet& set = device.Descriptors();
  for (const std::vector<Attribute>& group :
       {PositionAttributes(device), DescriptorAttributes(set), StringAttributes(set)})
    for (const Attribute& attribute : group)
      STATION_CHECK(Write(folder + "/" + attribute.name, attribute.value + "\n"));
  std::string descriptors(set.device.begin(), set.device.end());
  descriptors.append(set.configuration.begin(), set.configuration.end());
  STATION_CHECK(Write(folder + "/descriptors", descriptors));
  STATION_CHECK(Write(folder + "/uevent", Join(UeventLines(device))));
  STATION_CHECK(Link(folder + "/driver", "/sys/bus/usb/drivers/usb"));
  return Link(folder + "/subsystem", "/sys/bus/usb");
}

Status SysfsTree::AddInterfaces(const UsbDevice& device, const std::string& parent) {
  for (const InterfaceSetting& setting : Interfaces(device.Descriptors())) {
    if (setting.alternate != 0) continue;
    const std::string name = InterfaceName(device.Port(), setting.number);
    const std::string folder = parent + "/" + name;
    STATION_CHECK(MakeFolder(folder));
    const std::vector<Attribute> attributes = {
        {"bInterfaceNumber", Format("%02x", setting.number)},
        {"bAlternateSetting", Format("%2d", setting.alternate)},
        {"bNumEndpoints", Format("%02zx", setting.endpoints.size())},
        {"bInterfaceClass", Format("%02x", setting.interface_class)},
        {"bInterfaceSubClass", Format("%02x", setting.subclass)},
        {"bInterfaceProtocol", Format("%02x", setting.protocol)},
        {"authorized", "1"},
    };
    for (const Attribute& attribute : attributes)
      STATION_CHECK(Write(folder + "/" + attribute.name, attribute.value + "\n"));
    STATION_CHECK(
        Write(folder + "/uevent", Join({"DEVTYPE=usb_interface", Product(device), Type(device),
                                        Format("INTERFACE=%d/%d/%d", setting.interface_class,
                                               setting.subclass, setting.protocol)})));
    if (device.Descriptors().is_hub)
      STATION_CHECK(Link(folder + "/driver", "/sys/bus/usb/drivers/hub"));
    STATION_CHECK(Link(folder + "/subsystem", "/sys/bus/usb"));
    STATION_CHECK(Link("/sys/bus/usb/devices/" + name, folder));
  }
  return {};
}

Status SysfsTree::AddPorts(const UsbDevice& hub) {
  const station::PortPath companion = Companion(hub.Port());
  for (std::uint8_t port = 1; port <= kPortsPerHub; ++port) {
    const std::string folder = "/sys" + PortFolder(hub.Port(), port);
    STATION_CHECK(MakeFolder(folder));
    STATION_CHECK(Write(folder + "/connect_type", "hotplug\n"));
    STATION_CHECK(Write(folder + "/uevent", "DEVTYPE=usb_port\n"));
    STATION_CHECK(Link(folder + "/peer", "/sys" + PortFolder(companion, port)));
  }
  return {};
}

Status SysfsTree::LinkToPort(const UsbDevice& device, const std::string& folder) {
  const std::string port = "/sys" + PortFolder(Parent(device.Port()), device.Port().chain.back());
  STATION_CHECK(Link(folder + "/port", port));
  return Link(port + "/device", folder);
}

void SysfsTree::Remove(const UsbDevice& device) {
  std::error_code ignored;
  const station::PortPath& port = device.Port();
  std::filesystem::remove(root_ + "/sys/bus/usb/devices/" + DeviceName(port), ignored);
  for (const InterfaceSetting& setting : Interfaces(device.Descriptors()))
    std::filesystem::remove(root_ + "/sys/bus/usb/devices/" + InterfaceName(port, setting.number),
                            ignored);
  if (!port.chain.empty())
    std::filesystem::remove(
        root_ + "/sys" + PortFolder(Parent(port), port.chain.back()) + "/device", ignored);
  std::filesystem::remove_all(root_ + "/sys" + DevicePath(port), ignored);
}

void SysfsTree::SetConfiguration(const UsbDevice& device) {
  const int value = device.Configuration();
  [[maybe_unused]] const Status written =
      Write("/sys" + DevicePath(device.Port()) + "/bConfigurationValue",
            value == 0 ? "\n" : Format("%d\n", value));
}

station::Result<station::Fd> SysfsTree::AddNode(const UsbDevice& device) {
  const std::string name = NodeName(device.Port().bus, device.Address());
  const std::string path = root_ + "/dev/" + name;
  std::string link = name;
  std::ranges::replace(link, '/', '_');
  ::unlink(path.c_str());
  if (::mkfifo(path.c_str(), 0666) != 0 || ::chmod(path.c_str(), 0666) != 0)
    return station::FailErrno("making " + path, errno);
  station::Fd fifo(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fifo.Valid()) return station::FailErrno("opening " + path, errno);
  // Where the preload learns the device number from.
  const std::string number = Format("%d:%d", kUsbMajor, Minor(device));
  const std::string where = root_ + "/dev/.node/" + link;
  ::unlink(where.c_str());
  if (::symlink(number.c_str(), where.c_str()) != 0)
    return station::FailErrno("making " + where, errno);
  return fifo;
}

void SysfsTree::RemoveNode(const UsbDevice& device) {
  const std::string name = NodeName(device.Port().bus, device.Address());
  std::string link = name;
  std::ranges::replace(link, '/', '_');
  ::unlink((root_ + "/dev/" + name).c_str());
  ::unlink((root_ + "/dev/.node/" + link).c_str());
}

std::string SysfsTree::SocketPath(const UsbDevice& device) const {
  return root_ + "/ioctl/dev/" + NodeName(device.Port().bus, device.Address());
}

}  // namespace rack
