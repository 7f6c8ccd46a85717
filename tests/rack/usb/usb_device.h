#pragma once
// One device on the bus, whoever looks at it from whichever world: its state as the kernel keeps it
// (configuration, alternate settings, claims, URBs per open file) and the thread on which its
// UsbFunction answers.

#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "station/base/fd.h"
#include "station/base/ids.h"
#include "tests/rack/usb/descriptors.h"
#include "tests/rack/usb/usb_function.h"

namespace rack {

// The FIFO that stands for a device node: writable (poll: POLLOUT, as usbfs says "something to
// reap") exactly while some open file of the node has finished transfers. One slot deep, so that
// one byte fills it.
class ReadyGate {
 public:
  explicit ReadyGate(station::Fd fifo);
  void Add();
  void Remove();

 private:
  station::Fd fifo_;
  std::mutex mutex_;
  std::size_t count_ = 0;
};

struct UsbFile;

struct Transfer {
  enum class Kind : std::uint8_t { kControl, kBulkOut, kBulkIn, kPortReset };

  Kind kind = Kind::kControl;
  SetupPacket setup;          // kControl
  std::uint8_t endpoint = 0;  // kBulk*
  std::uint64_t urb = 0;      // its address in the client; 0: not to be reaped (synchronous ioctl)
  std::uint64_t buffer = 0;   // where IN data goes in the client
  std::size_t size = 0;       // of the data stage
  std::vector<std::uint8_t> out_data;  // read by the device's thread, also after a cancel

  // Written once, with owner set back to nothing.
  int status = 0;  // 0 or a negative errno, as in a URB
  std::vector<std::uint8_t> in_data;
  std::size_t actual_size = 0;
  UsbFile* owner = nullptr;
};

// An open file of the device's node. All of it is guarded by the device.
struct UsbFile {
  explicit UsbFile(std::shared_ptr<ReadyGate> node);

  const std::shared_ptr<ReadyGate> gate;
  const station::Fd wake;  // eventfd, written when `waiting` and something has finished
  bool waiting = false;
  std::set<std::uint8_t> claimed;
  std::vector<std::shared_ptr<Transfer>> pending;
  std::deque<std::shared_ptr<Transfer>> finished;
};

// Where a function returns `int`, it is 0 or an errno as usbfs would give it.
class UsbDevice {
 public:
  // A hub has no function and no thread.
  UsbDevice(station::PortPath port, std::uint8_t address, DescriptorSet descriptors,
            std::shared_ptr<UsbFunction> function);
  ~UsbDevice();
  UsbDevice(const UsbDevice&) = delete;
  UsbDevice& operator=(const UsbDevice&) = delete;

  [[nodiscard]] const station::PortPath& Port() const { return port_; }
  [[nodiscard]] std::uint8_t Address() const { return address_; }
  [[nodiscard]] const DescriptorSet& Descriptors() const { return descriptors_; }
  [[nodiscard]] bool HasFunction() const { return has_function_; }
  [[nodiscard]] std::uint8_t Configuration() const;
  [[nodiscard]] std::uint8_t AlternateSetting(std::uint8_t interface) const;

  // Pending transfers fail with -ESHUTDOWN. Does not wait for the function; may be called from it.
  void Unplug();
  [[nodiscard]] bool Gone() const;
  // True once the thread has left the function for ever, and Join() does not block.
  [[nodiscard]] bool Finished() const { return finished_; }
  void Join();
  // Pending IN transfers ask the function again.
  void Wake();

  // Of a hub: one of its ports switched by a host, and who hears of it. Ports have power at first.
  using OnSwitch = std::function<void(std::uint8_t port, bool on)>;
  void SetOnSwitch(OnSwitch on_switch) { on_switch_ = std::move(on_switch); }  // before it is shown
  void SwitchPort(std::uint8_t port, bool on);
  [[nodiscard]] bool PortHasPower(std::uint8_t port) const;

  void Open(UsbFile& file);
  void Close(UsbFile& file);
  [[nodiscard]] int Claim(UsbFile& file, std::uint8_t interface);
  [[nodiscard]] int Release(UsbFile& file, std::uint8_t interface);
  [[nodiscard]] bool IsClaimed(std::uint8_t interface) const;
  [[nodiscard]] int SetAlternateSetting(UsbFile& file, std::uint8_t interface,
                                        std::uint8_t setting);
  [[nodiscard]] int SetConfiguration(std::uint8_t value);
  // ENOENT for an endpoint that the current settings do not have, EINVAL when its interface is not
  // claimed.
  [[nodiscard]] int CheckEndpoint(const UsbFile& file, std::uint8_t endpoint) const;
  // Which interface has it in any setting.
  [[nodiscard]] std::optional<std::uint8_t> InterfaceOf(std::uint8_t endpoint) const;

  [[nodiscard]] int Submit(UsbFile& file, std::shared_ptr<Transfer> transfer);
  // For what the bus answers itself: finished as soon as submitted.
  [[nodiscard]] int SubmitFinished(UsbFile& file, std::shared_ptr<Transfer> transfer);
  [[nodiscard]] int Discard(UsbFile& file, std::uint64_t urb);
  // Cancels a synchronous transfer.
  void Abandon(const std::shared_ptr<Transfer>& transfer);
  // The longest finished one, or nothing.
  [[nodiscard]] std::shared_ptr<Transfer> Reap(UsbFile& file);
  // Is `transfer` (or with nothing: any reapable one, or the end of the device) there? If not, the
  // file's wake descriptor becomes readable when it may be.
  [[nodiscard]] bool ReadyOrArm(UsbFile& file, const Transfer* transfer);

 private:
  void Run();
  void Perform(const std::shared_ptr<Transfer>& transfer);
  void TryWaitingIn();
  // These need mutex_.
  void Complete(Transfer& transfer, int status);
  static void Signal(UsbFile& file);
  [[nodiscard]] const InterfaceSetting* Setting(std::uint8_t interface, std::uint8_t setting) const;

  const station::PortPath port_;
  const std::uint8_t address_;
  const DescriptorSet descriptors_;
  const std::vector<InterfaceSetting> settings_;
  const bool has_function_;
  OnSwitch on_switch_;

  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::shared_ptr<UsbFunction> function_;  // let go when the thread ends
  std::uint8_t configuration_ = 1;
  std::map<std::uint8_t, std::uint8_t> alternates_;
  std::set<UsbFile*> files_;
  std::deque<std::shared_ptr<Transfer>> queue_;
  std::vector<std::shared_ptr<Transfer>> waiting_in_;  // the thread's own: IN without data so far
  std::set<std::uint8_t> dark_ports_;
  bool woken_ = false;
  bool gone_ = false;
  std::atomic<bool> finished_ = false;
  std::thread thread_;
};

}  // namespace rack
