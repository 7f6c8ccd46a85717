#pragma once
// Where a phone shows itself: carries out what is asked of it (run something else, be plugged, be
// pulled) by leaving the bus and coming back. One thread for each phone.

#include <memory>
#include <thread>

#include "tests/rack/model/attachment.h"
#include "tests/rack/model/phone.h"
#include "tests/rack/mux/devices.h"
#include "tests/rack/usb/usb_bus.h"

namespace rack {

class Presence {
 public:
  Presence(Phone& phone, UsbBus& bus, MuxDevices& devices);
  ~Presence();  // stops the phone, takes it off the bus
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;

 private:
  void Run();
  void Grant(const Phone::Wish& wish);
  void Happen(Event event, std::uint64_t boot);
  void SetPlugged(bool plugged);
  void Become(const Transition& transition);
  void Attach();
  void Detach();
  [[nodiscard]] std::chrono::milliseconds TimeToLeave(Event event) const;
  [[nodiscard]] std::chrono::milliseconds TimeAway(Pause pause) const;
  [[nodiscard]] station::PortPath PortInMode(const PhoneState& state) const;

  Phone& phone_;
  UsbBus& bus_;
  MuxDevices& devices_;
  std::shared_ptr<Attachment> attachment_;
  station::PortPath attached_port_;
  std::uint32_t device_id_ = 0;  // while listed by the mux
  std::thread thread_;
};

}  // namespace rack
