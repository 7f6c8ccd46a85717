#pragma once
// The device side of usbmux: what a phone in normal or restore mode does on its bulk endpoints. The
// real usbmuxd talks to it; every stream leads to the same services as the rack's own socket.

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "tests/rack/model/attachment.h"
#include "tests/rack/mux/usb_connection.h"
#include "tests/rack/usb/usb_function.h"

namespace rack {

class UsbMux : public UsbFunction {
 public:
  // `ready` is called, from any thread and without a lock held, when there may be IN data.
  UsbMux(std::shared_ptr<Attachment> attachment, UsbSpeed speed, std::function<void()> ready);
  ~UsbMux() override;

  // No vendor request is known: usbmuxd then leaves the configuration as it is.
  std::optional<std::vector<std::uint8_t>> Control(const SetupPacket& setup,
                                                   std::span<const std::uint8_t> out) override;
  bool BulkOut(std::uint8_t endpoint, std::span<const std::uint8_t> data) override;
  std::vector<std::uint8_t> BulkIn(std::uint8_t endpoint, std::size_t size) override;
  void PortReset() override;

  // The cable is out: nothing more is said. Does not wait for the services.
  void End();
  // After End: no service runs any more, so that destroying it does not wait.
  [[nodiscard]] bool Finished();

 private:
  struct Running {
    std::atomic<bool> done = false;
    std::thread thread;
  };

  void Pump();
  // These need mutex_.
  void Handle(std::span<const std::uint8_t> transfer);
  void HandleSegment(const UsbMuxSegment& segment);
  void Connect(const UsbMuxSegment& syn);
  void Refuse(const UsbMuxSegment& segment);
  void StartOver();
  void Say(const UsbMuxSegment& segment);
  void FillOutgoing();
  void Reap();
  void WakePump() const;

  const std::shared_ptr<Attachment> attachment_;
  const std::size_t packet_size_;
  const std::function<void()> ready_;
  const station::Fd wake_;  // eventfd of the pump

  std::mutex mutex_;
  bool ended_ = false;
  bool set_up_ = false;
  UsbMuxSequence sequence_;
  std::vector<std::uint8_t> incoming_;  // a transfer that has not come to its short packet yet
  std::list<std::shared_ptr<UsbMuxConnection>>
      connections_;  // shared: the pump polls them unlocked
  std::list<std::vector<std::uint8_t>> outgoing_;
  std::size_t outgoing_start_ = 0;  // of the first
  std::list<Running> running_;
  std::thread pump_;
};

}  // namespace rack
