#pragma once
// Says, from a thread of its own, which phones are on the bus, whenever that changed.

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "station/base/result.h"
#include "station/usb/topology.h"

struct libusb_context;

namespace station::usb {

class Hotplug {
 public:
  // Called on the hotplug thread with a fresh scan: at the start, and when one differs from the
  // last.
  using OnChange = std::function<void(std::vector<UsbPhone>)>;

  // libusb's hotplug events only make the next scan happen at once; without them (no USB, events
  // taken by another process) a scan every `rescan` still finds everything. kUnavailable is never
  // given for a host without USB.
  [[nodiscard]] static Result<std::unique_ptr<Hotplug>> Start(
      Topology topology, OnChange on_change,
      std::chrono::milliseconds rescan = std::chrono::milliseconds(500));
  ~Hotplug();
  Hotplug(const Hotplug&) = delete;
  Hotplug& operator=(const Hotplug&) = delete;

 private:
  Hotplug(Topology topology, OnChange on_change, std::chrono::milliseconds rescan);
  void OpenLibusb();
  void Run();

  struct Exit {
    void operator()(libusb_context* context) const noexcept;
  };
  Topology topology_;
  OnChange on_change_;
  std::chrono::milliseconds rescan_;
  std::unique_ptr<libusb_context, Exit> context_;  // null on a host without USB
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace station::usb
