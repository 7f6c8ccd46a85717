#include "tests/rack/usb/usbfs_file.h"

#include <linux/usbdevice_fs.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace rack {
namespace {

constexpr std::size_t kMaxTransfer = 16U << 20U;  // usbfs_memory_mb
constexpr std::size_t kSetupSize = 8;
// One URB per transfer, however long; and URBs can be reaped after an unplug.
constexpr std::uint32_t kCapabilities =
    USBDEVFS_CAP_ZERO_PACKET | USBDEVFS_CAP_BULK_CONTINUATION | USBDEVFS_CAP_NO_PACKET_SIZE_LIM |
    USBDEVFS_CAP_BULK_SCATTER_GATHER | USBDEVFS_CAP_REAP_AFTER_DISCONNECT;

bool IsIn(std::uint8_t direction) { return (direction & 0x80U) != 0; }

SetupPacket ParseSetup(const std::array<std::uint8_t, kSetupSize>& raw) {
  const auto word = [&](std::size_t at) {
    return static_cast<std::uint16_t>(raw[at] | raw[at + 1] << 8U);
  };
  return {raw[0], raw[1], word(2), word(4), word(6)};
}

}  // namespace

UsbfsFile::UsbfsFile(std::shared_ptr<UsbDevice> device, std::shared_ptr<ReadyGate> gate,
                     ClientMemory& memory, int socket, Configured configured)
    : device_(std::move(device)),
      memory_(memory),
      socket_(socket),
      configured_(std::move(configured)),
      file_(std::move(gate)) {
  device_->Open(file_);
}

UsbfsFile::~UsbfsFile() { device_->Close(file_); }

std::span<const UsbfsFile::Entry> UsbfsFile::Table() {
  static constexpr std::array<Entry, 21> kTable = {{
      {USBDEVFS_GET_CAPABILITIES, &UsbfsFile::GetCapabilities, false},
      {USBDEVFS_SUBMITURB, &UsbfsFile::SubmitUrb, false},
      {USBDEVFS_DISCARDURB, &UsbfsFile::DiscardUrb, false},
      {USBDEVFS_REAPURB, &UsbfsFile::ReapUrb, true},
      {USBDEVFS_REAPURBNDELAY, &UsbfsFile::ReapUrbNoDelay, true},
      {USBDEVFS_CLAIMINTERFACE, &UsbfsFile::ClaimInterface, false},
      {USBDEVFS_RELEASEINTERFACE, &UsbfsFile::ReleaseInterface, false},
      {USBDEVFS_DISCONNECT_CLAIM, &UsbfsFile::DisconnectClaim, false},
      {USBDEVFS_SETINTERFACE, &UsbfsFile::SetInterface, false},
      {USBDEVFS_SETCONFIGURATION, &UsbfsFile::SetConfiguration, false},
      {USBDEVFS_RESET, &UsbfsFile::Reset, false},
      {USBDEVFS_CONTROL, &UsbfsFile::Control, false},
      {USBDEVFS_BULK, &UsbfsFile::Bulk, false},
      {USBDEVFS_CLEAR_HALT, &UsbfsFile::ClearHalt, false},
      {USBDEVFS_RESETEP, &UsbfsFile::ClearHalt, false},
      {USBDEVFS_GETDRIVER, &UsbfsFile::GetDriver, false},
      {USBDEVFS_IOCTL, &UsbfsFile::DriverIoctl, false},
      {USBDEVFS_CONNECTINFO, &UsbfsFile::ConnectInfo, false},
      {USBDEVFS_GET_SPEED, &UsbfsFile::GetSpeed, false},
      {USBDEVFS_DROP_PRIVILEGES, &UsbfsFile::DropPrivileges, false},
      {USBDEVFS_RELEASE_PORT, &UsbfsFile::DropPrivileges, false},
  }};
  return kTable;
}

IoctlReply UsbfsFile::Ioctl(std::uint64_t request, std::uint64_t argument) {
  const unsigned long number = request & 0xFFFFFFFFU;  // the preload may have sign-extended it
  const auto entry = std::ranges::find(Table(), number, &Entry::request);
  const bool gone = device_->Gone();
  if (entry == Table().end()) return Failed(gone ? ENODEV : ENOTTY);
  if (gone && !entry->works_when_gone) return Failed(ENODEV);
  return (this->*entry->handler)(argument);
}

IoctlReply UsbfsFile::Read(std::uint64_t buffer, std::uint64_t size) {
  if (device_->Gone()) return Failed(ENODEV);
  std::vector<std::uint8_t> all = device_->Descriptors().device;
  const std::vector<std::uint8_t>& more = device_->Descriptors().configuration;
  all.insert(all.end(), more.begin(), more.end());
  const std::size_t length = std::min<std::size_t>(size, all.size() - position_);
  const std::array pieces = {
      ClientMemory::Piece{buffer, std::span(all).subspan(position_, length)}};
  if (length != 0 && !memory_.Write(pieces)) return Failed(EFAULT);
  position_ += length;
  return {static_cast<std::int64_t>(length), 0};
}

IoctlReply UsbfsFile::GetCapabilities(std::uint64_t argument) {
  return ZeroOr(memory_.WriteValue(argument, kCapabilities) ? 0 : EFAULT);
}

IoctlReply UsbfsFile::SubmitUrb(std::uint64_t argument) {
  usbdevfs_urb urb{};
  if (!memory_.ReadValue(argument, urb)) return Failed(EFAULT);
  if (urb.buffer_length < 0) return Failed(EINVAL);
  if (static_cast<std::size_t>(urb.buffer_length) > kMaxTransfer) return Failed(ENOMEM);
  auto transfer = std::make_shared<Transfer>();
  transfer->urb = argument;
  transfer->buffer = reinterpret_cast<std::uint64_t>(urb.buffer);
  transfer->size = static_cast<std::size_t>(urb.buffer_length);
  transfer->endpoint = urb.endpoint;
  switch (urb.type) {
    case USBDEVFS_URB_TYPE_CONTROL: {
      std::array<std::uint8_t, kSetupSize> raw{};
      if (transfer->size < kSetupSize) return Failed(EINVAL);
      if (!memory_.Read(transfer->buffer, raw)) return Failed(EFAULT);
      transfer->setup = ParseSetup(raw);
      if (transfer->size < kSetupSize + transfer->setup.length) return Failed(EINVAL);
      transfer->buffer += kSetupSize;
      transfer->size = transfer->setup.length;
      return ZeroOr(SubmitControl(std::move(transfer)));
    }
    case USBDEVFS_URB_TYPE_BULK:
    case USBDEVFS_URB_TYPE_INTERRUPT:
      return ZeroOr(SubmitBulk(std::move(transfer)));
    default:  // a byte from the client; nothing here has isochronous endpoints
      return Failed(EINVAL);
  }
}

bool UsbfsFile::ReadOutData(Transfer& transfer) {
  transfer.out_data.resize(transfer.size);
  return memory_.Read(transfer.buffer, transfer.out_data);
}

int UsbfsFile::SubmitControl(std::shared_ptr<Transfer> transfer) {
  constexpr std::uint8_t kTypeMask = 0x60;
  const SetupPacket& setup = transfer->setup;
  if (const int error = CheckRecipient(setup); error != 0) return error;
  transfer->kind = Transfer::Kind::kControl;
  if (!IsIn(setup.request_type) && !ReadOutData(*transfer)) return EFAULT;
  if ((setup.request_type & kTypeMask) != 0 && device_->HasFunction())
    return device_->Submit(file_, std::move(transfer));
  if (auto answer = AnswerStandard(setup)) {
    answer->resize(std::min(answer->size(), transfer->size));
    transfer->in_data = std::move(*answer);
    transfer->actual_size = transfer->in_data.size();
  } else {
    transfer->status = -EPIPE;
  }
  return device_->SubmitFinished(file_, std::move(transfer));
}

int UsbfsFile::SubmitBulk(std::shared_ptr<Transfer> transfer) {
  if (const int error = device_->CheckEndpoint(file_, transfer->endpoint); error != 0) return error;
  transfer->kind = IsIn(transfer->endpoint) ? Transfer::Kind::kBulkIn : Transfer::Kind::kBulkOut;
  if (transfer->kind == Transfer::Kind::kBulkOut && !ReadOutData(*transfer)) return EFAULT;
  return device_->Submit(file_, std::move(transfer));
}

int UsbfsFile::CheckRecipient(const SetupPacket& setup) {
  constexpr std::uint8_t kVendor = 0x40;
  if ((setup.request_type & 0x60U) == kVendor) return 0;
  const auto index = static_cast<std::uint8_t>(setup.index & 0xFFU);
  switch (setup.request_type & 0x1FU) {
    case 1:
      return device_->Claim(file_, index);
    case 2:
      if ((index & 0x0FU) == 0) return 0;
      if (const auto interface = device_->InterfaceOf(index))
        return device_->Claim(file_, *interface);
      return ENOENT;
    default:  // the device, or "other" (a hub's port)
      return 0;
  }
}

IoctlReply UsbfsFile::DiscardUrb(std::uint64_t argument) {
  return ZeroOr(device_->Discard(file_, argument));
}

IoctlReply UsbfsFile::HandOver(const Transfer& transfer, std::uint64_t argument) {
  const int status = transfer.status;
  const int actual = static_cast<int>(transfer.actual_size);
  const int errors = 0;
  const std::array pieces = {
      ClientMemory::PieceOf(transfer.urb + offsetof(usbdevfs_urb, status), status),
      ClientMemory::PieceOf(transfer.urb + offsetof(usbdevfs_urb, actual_length), actual),
      ClientMemory::PieceOf(transfer.urb + offsetof(usbdevfs_urb, error_count), errors),
      ClientMemory::PieceOf(argument, transfer.urb),
      ClientMemory::Piece{transfer.buffer, transfer.in_data},
  };
  return ZeroOr(memory_.Write(pieces) ? 0 : EFAULT);
}

IoctlReply UsbfsFile::ReapUrbNoDelay(std::uint64_t argument) {
  if (const auto transfer = device_->Reap(file_)) return HandOver(*transfer, argument);
  return Failed(device_->Gone() ? ENODEV : EAGAIN);
}

IoctlReply UsbfsFile::ReapUrb(std::uint64_t argument) {
  if (!WaitFor(nullptr, std::nullopt)) return Failed(EINTR);
  if (const auto transfer = device_->Reap(file_)) return HandOver(*transfer, argument);
  return Failed(ENODEV);
}

bool UsbfsFile::WaitFor(const Transfer* transfer,
                        std::optional<std::chrono::milliseconds> timeout) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point deadline = Clock::now() + timeout.value_or(std::chrono::milliseconds(0));
  while (!device_->ReadyOrArm(file_, transfer)) {
    int wait = -1;
    if (timeout) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      if (left.count() <= 0) return false;
      wait = static_cast<int>(std::min<std::int64_t>(left.count(), 1 << 30));
    }
    std::array<pollfd, 2> polled = {{{socket_, POLLRDHUP, 0}, {file_.wake.Get(), POLLIN, 0}}};
    ::poll(polled.data(), polled.size(), wait);
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t drained = ::read(file_.wake.Get(), &count, sizeof count);
    if (polled[0].revents != 0) return false;
  }
  return true;
}

IoctlReply UsbfsFile::Synchronous(const std::shared_ptr<Transfer>& transfer,
                                  std::uint32_t timeout_ms) {
  std::optional<std::chrono::milliseconds> timeout;
  if (timeout_ms != 0) timeout = std::chrono::milliseconds(timeout_ms);
  if (!WaitFor(transfer.get(), timeout)) {
    device_->Abandon(transfer);
    return Failed(ETIMEDOUT);
  }
  if (transfer->status == -ESHUTDOWN) return Failed(ENODEV);
  if (transfer->status < 0) return Failed(-transfer->status);
  const std::array pieces = {ClientMemory::Piece{transfer->buffer, transfer->in_data}};
  if (!transfer->in_data.empty() && !memory_.Write(pieces)) return Failed(EFAULT);
  return {static_cast<std::int64_t>(transfer->actual_size), 0};
}

IoctlReply UsbfsFile::Control(std::uint64_t argument) {
  usbdevfs_ctrltransfer request{};
  if (!memory_.ReadValue(argument, request)) return Failed(EFAULT);
  auto transfer = std::make_shared<Transfer>();
  transfer->setup = {request.bRequestType, request.bRequest, request.wValue, request.wIndex,
                     request.wLength};
  transfer->buffer = reinterpret_cast<std::uint64_t>(request.data);
  transfer->size = request.wLength;
  if (const int error = SubmitControl(transfer); error != 0) return Failed(error);
  return Synchronous(transfer, request.timeout);
}

IoctlReply UsbfsFile::Bulk(std::uint64_t argument) {
  usbdevfs_bulktransfer request{};
  if (!memory_.ReadValue(argument, request)) return Failed(EFAULT);
  if (request.len > kMaxTransfer) return Failed(ENOMEM);
  auto transfer = std::make_shared<Transfer>();
  transfer->endpoint = static_cast<std::uint8_t>(request.ep);
  transfer->buffer = reinterpret_cast<std::uint64_t>(request.data);
  transfer->size = request.len;
  if (const int error = SubmitBulk(transfer); error != 0) return Failed(error);
  return Synchronous(transfer, request.timeout);
}

IoctlReply UsbfsFile::Reset(std::uint64_t /*argument*/) {
  if (!device_->HasFunction()) return {};
  auto transfer = std::make_shared<Transfer>();
  transfer->kind = Transfer::Kind::kPortReset;
  if (const int error = device_->Submit(file_, transfer); error != 0) return Failed(error);
  return Synchronous(transfer, 0);
}

}  // namespace rack
