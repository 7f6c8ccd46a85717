#pragma once
// Where a phone shows itself: carries out what is asked of it (run something else, be plugged, be
// pulled) by leaving the bus and coming back. One thread for each phone.

#include <memory>
#include <thread>

#include "tests/rack/model/attachment.h"
#include "tests/rack/model/phone.h"
#include "tests/rack/mux/devices.h"
#include "tests/rack/mux/usb_mux.h"
#include "tests/rack/usb/usb_function.h"

namespace rack {

// What phones are plugged into.
struct Host {
  UsbHost& usb;
  MuxDevices* listing;  // of the rack's own usbmuxd; null where a real one is at the cable's end
};

class Presence {
 public:
  Presence(Phone& phone, Host host);
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
  void Serve(Stage stage);
  void Detach();
  [[nodiscard]] std::chrono::milliseconds TimeToLeave(Event event) const;
  [[nodiscard]] std::chrono::milliseconds TimeAway(Pause pause) const;
  [[nodiscard]] station::PortPath PortInMode(const PhoneState& state) const;

  Phone& phone_;
  const Host host_;
  std::shared_ptr<Attachment> attachment_;
  std::shared_ptr<UsbMux> mux_;                    // in normal and restore mode
  std::vector<std::shared_ptr<UsbMux>> departed_;  // some of their services may still be ending
  station::PortPath attached_port_;
  std::uint32_t device_id_ = 0;  // while listed by the mux
  std::thread thread_;
};

}  // namespace rack
