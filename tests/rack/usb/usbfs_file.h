#pragma once
// What usbfs (drivers/usb/core/devio.c) answers on an open device node: the USBDEVFS ioctls, for
// one open file.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "tests/rack/usb/ioctl_server.h"
#include "tests/rack/usb/usb_device.h"

namespace rack {

class UsbfsFile : public IoctlHandler {
 public:
  // `configured` is called after a client has changed the device's configuration.
  using Configured = std::function<void(const UsbDevice&)>;

  UsbfsFile(std::shared_ptr<UsbDevice> device, std::shared_ptr<ReadyGate> gate,
            ClientMemory& memory, int socket, Configured configured);
  ~UsbfsFile() override;
  UsbfsFile(const UsbfsFile&) = delete;
  UsbfsFile& operator=(const UsbfsFile&) = delete;

  IoctlReply Ioctl(std::uint64_t request, std::uint64_t argument) override;
  // The descriptors, from the file's position on.
  IoctlReply Read(std::uint64_t buffer, std::uint64_t size) override;

 private:
  using Handler = IoctlReply (UsbfsFile::*)(std::uint64_t argument);
  struct Entry {
    unsigned long request;
    Handler handler;
    bool works_when_gone;
  };
  static std::span<const Entry> Table();

  IoctlReply GetCapabilities(std::uint64_t argument);
  IoctlReply SubmitUrb(std::uint64_t argument);
  IoctlReply DiscardUrb(std::uint64_t argument);
  IoctlReply ReapUrb(std::uint64_t argument);
  IoctlReply ReapUrbNoDelay(std::uint64_t argument);
  IoctlReply ClaimInterface(std::uint64_t argument);
  IoctlReply ReleaseInterface(std::uint64_t argument);
  IoctlReply DisconnectClaim(std::uint64_t argument);
  IoctlReply SetInterface(std::uint64_t argument);
  IoctlReply SetConfiguration(std::uint64_t argument);
  IoctlReply Reset(std::uint64_t argument);
  IoctlReply Control(std::uint64_t argument);
  IoctlReply Bulk(std::uint64_t argument);
  IoctlReply ClearHalt(std::uint64_t argument);
  IoctlReply GetDriver(std::uint64_t argument);
  IoctlReply DriverIoctl(std::uint64_t argument);
  IoctlReply ConnectInfo(std::uint64_t argument);
  IoctlReply GetSpeed(std::uint64_t argument);
  IoctlReply DropPrivileges(std::uint64_t argument);

  // 0 or an errno: may this file send `setup`? Claims the interface it addresses, as the kernel
  // does.
  int CheckRecipient(const SetupPacket& setup);
  int SubmitControl(std::shared_ptr<Transfer> transfer);
  int SubmitBulk(std::shared_ptr<Transfer> transfer);
  int AlterConfiguration(std::uint8_t value);
  // A standard request (or one to a hub), answered by the bus: the IN data, or nothing for a stall.
  std::optional<std::vector<std::uint8_t>> AnswerStandard(const SetupPacket& setup);
  std::optional<std::vector<std::uint8_t>> AnswerFeature(const SetupPacket& setup);
  [[nodiscard]] std::vector<std::uint8_t> AnswerStatus(const SetupPacket& setup) const;
  IoctlReply HandOver(const Transfer& transfer, std::uint64_t argument);
  IoctlReply Synchronous(const std::shared_ptr<Transfer>& transfer, std::uint32_t timeout_ms);
  // False when the client died or `timeout` (nothing: for ever) passed.
  bool WaitFor(const Transfer* transfer, std::optional<std::chrono::milliseconds> timeout);
  bool ReadOutData(Transfer& transfer);

  const std::shared_ptr<UsbDevice> device_;
  ClientMemory& memory_;
  const int socket_;
  const Configured configured_;
  UsbFile file_;
  std::size_t position_ = 0;
};

}  // namespace rack
