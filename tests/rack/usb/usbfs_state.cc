// The ioctls of UsbfsFile that deal with a device's state rather than with transfers, and the
// standard requests.

#include <linux/usbdevice_fs.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "tests/rack/usb/port_names.h"
#include "tests/rack/usb/usbfs_file.h"

namespace rack {
namespace {

constexpr int kSpeedHigh = 3;  // enum usb_device_speed
constexpr int kSpeedSuper = 5;

// USB 2.0, table 9-4.
constexpr std::uint8_t kGetStatus = 0;
constexpr std::uint8_t kClearFeature = 1;
constexpr std::uint8_t kSetFeature = 3;
constexpr std::uint8_t kGetDescriptor = 6;
constexpr std::uint8_t kGetConfiguration = 8;
constexpr std::uint8_t kSetConfiguration = 9;
constexpr std::uint8_t kGetInterface = 10;
constexpr std::uint8_t kSetInterface = 11;

constexpr std::uint8_t kRecipientMask = 0x1F;
constexpr std::uint8_t kTypeMask = 0x60;
constexpr std::uint8_t kClass = 0x20;
constexpr std::uint8_t kOther = 3;  // a hub's port
constexpr std::uint16_t kPortPower = 8;

std::uint8_t LowByte(std::uint32_t value) { return static_cast<std::uint8_t>(value & 0xFFU); }

}  // namespace

IoctlReply UsbfsFile::ClaimInterface(std::uint64_t argument) {
  std::uint32_t interface = 0;
  if (!memory_.ReadValue(argument, interface)) return Failed(EFAULT);
  if (interface > 0xFF) return Failed(EINVAL);
  return ZeroOr(device_->Claim(file_, LowByte(interface)));
}

IoctlReply UsbfsFile::ReleaseInterface(std::uint64_t argument) {
  std::uint32_t interface = 0;
  if (!memory_.ReadValue(argument, interface)) return Failed(EFAULT);
  if (interface > 0xFF) return Failed(EINVAL);
  return ZeroOr(device_->Release(file_, LowByte(interface)));
}

// No kernel driver ever holds an interface here, so there is nothing to disconnect first.
IoctlReply UsbfsFile::DisconnectClaim(std::uint64_t argument) {
  usbdevfs_disconnect_claim request{};
  if (!memory_.ReadValue(argument, request)) return Failed(EFAULT);
  if (request.interface > 0xFF) return Failed(EINVAL);
  return ZeroOr(device_->Claim(file_, LowByte(request.interface)));
}

IoctlReply UsbfsFile::SetInterface(std::uint64_t argument) {
  usbdevfs_setinterface request{};
  if (!memory_.ReadValue(argument, request)) return Failed(EFAULT);
  if (request.interface > 0xFF || request.altsetting > 0xFF) return Failed(EINVAL);
  return ZeroOr(
      device_->SetAlternateSetting(file_, LowByte(request.interface), LowByte(request.altsetting)));
}

int UsbfsFile::AlterConfiguration(std::uint8_t value) {
  const std::uint8_t before = device_->Configuration();
  const int error = device_->SetConfiguration(value);
  if (error == 0 && before != value && configured_) configured_(*device_);
  return error;
}

IoctlReply UsbfsFile::SetConfiguration(std::uint64_t argument) {
  std::int32_t value = 0;
  if (!memory_.ReadValue(argument, value)) return Failed(EFAULT);
  if (value == -1) value = 0;  // unconfigured
  if (value < 0 || value > 0xFF) return Failed(EINVAL);
  return ZeroOr(AlterConfiguration(static_cast<std::uint8_t>(value)));
}

IoctlReply UsbfsFile::ClearHalt(std::uint64_t argument) {
  std::uint32_t endpoint = 0;
  if (!memory_.ReadValue(argument, endpoint)) return Failed(EFAULT);
  if (endpoint > 0xFF) return Failed(EINVAL);
  return ZeroOr(device_->CheckEndpoint(file_, LowByte(endpoint)));
}

IoctlReply UsbfsFile::GetDriver(std::uint64_t argument) {
  usbdevfs_getdriver request{};
  if (!memory_.ReadValue(argument, request)) return Failed(EFAULT);
  if (request.interface > 0xFF || !device_->IsClaimed(LowByte(request.interface)))
    return Failed(ENODATA);
  std::strncpy(request.driver, "usbfs", sizeof request.driver);
  return ZeroOr(memory_.WriteValue(argument, request) ? 0 : EFAULT);
}

// Disconnect and connect of a kernel driver; there is none.
IoctlReply UsbfsFile::DriverIoctl(std::uint64_t argument) {
  usbdevfs_ioctl request{};
  if (!memory_.ReadValue(argument, request)) return Failed(EFAULT);
  const auto code = static_cast<unsigned>(request.ioctl_code);
  if (code == USBDEVFS_DISCONNECT) return Failed(ENODATA);
  if (code == USBDEVFS_CONNECT) return {};
  return Failed(ENOTTY);
}

IoctlReply UsbfsFile::ConnectInfo(std::uint64_t argument) {
  usbdevfs_connectinfo info{};
  info.devnum = device_->Address();
  return ZeroOr(memory_.WriteValue(argument, info) ? 0 : EFAULT);
}

IoctlReply UsbfsFile::GetSpeed(std::uint64_t /*argument*/) {
  return {device_->Descriptors().speed == UsbSpeed::kSuper5G ? kSpeedSuper : kSpeedHigh, 0};
}

IoctlReply UsbfsFile::DropPrivileges(std::uint64_t /*argument*/) { return {}; }

std::optional<std::vector<std::uint8_t>> UsbfsFile::AnswerStandard(const SetupPacket& setup) {
  const bool hub_class =
      (setup.request_type & kTypeMask) == kClass && device_->Descriptors().is_hub;
  if ((setup.request_type & kTypeMask) != 0 && !hub_class) return std::nullopt;
  switch (setup.request) {
    case kGetDescriptor:
      return GetDescriptor(device_->Descriptors(), static_cast<std::uint8_t>(setup.value >> 8U),
                           LowByte(setup.value));
    case kGetStatus:
      return AnswerStatus(setup);
    case kClearFeature:
    case kSetFeature:
      return AnswerFeature(setup);
    case kGetConfiguration:
      return std::vector<std::uint8_t>{device_->Configuration()};
    case kSetConfiguration:
      if (AlterConfiguration(LowByte(setup.value)) != 0) return std::nullopt;
      return std::vector<std::uint8_t>{};
    case kGetInterface:
      return std::vector<std::uint8_t>{device_->AlternateSetting(LowByte(setup.index))};
    case kSetInterface:
      if (device_->SetAlternateSetting(file_, LowByte(setup.index), LowByte(setup.value)) != 0)
        return std::nullopt;
      return std::vector<std::uint8_t>{};
    default:  // a byte from the client
      return std::nullopt;
  }
}

// A hub that cannot switch a port takes the request and does nothing.
std::optional<std::vector<std::uint8_t>> UsbfsFile::AnswerFeature(const SetupPacket& setup) {
  const bool port =
      (setup.request_type & kTypeMask) == kClass && (setup.request_type & kRecipientMask) == kOther;
  if (!port || setup.value != kPortPower) return std::vector<std::uint8_t>{};
  const std::uint8_t number = LowByte(setup.index);
  if (number == 0 || number > kPortsPerHub) return std::nullopt;
  if (device_->Descriptors().hub_power == HubPower::kPortByPort)
    device_->SwitchPort(number, setup.request == kSetFeature);
  return std::vector<std::uint8_t>{};
}

// Bus powered, no remote wake-up, nothing halted; whether a hub's port has power.
std::vector<std::uint8_t> UsbfsFile::AnswerStatus(const SetupPacket& setup) const {
  if ((setup.request_type & kTypeMask) != kClass) return {0, 0};
  const bool port = (setup.request_type & kRecipientMask) == kOther;
  const std::uint8_t powered = device_->Descriptors().speed == UsbSpeed::kSuper5G ? 2 : 1;
  const bool has = port && device_->PortHasPower(LowByte(setup.index));
  return {0, has ? powered : std::uint8_t{0}, 0, 0};
}

}  // namespace rack
