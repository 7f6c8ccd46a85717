#include "station/usb/hotplug.h"

#include <libusb.h>

#include "station/base/log.h"
#include "station/usb/phone_serial.h"

namespace station::usb {
namespace {

int LIBUSB_CALL Noted(libusb_context*, libusb_device*, libusb_hotplug_event, void*) noexcept {
  return 0;  // having been woken is enough: the scan follows
}

timeval ToTimeval(std::chrono::milliseconds time) {
  return {.tv_sec = time.count() / 1000, .tv_usec = (time.count() % 1000) * 1000};
}

}  // namespace

void Hotplug::Exit::operator()(libusb_context* context) const noexcept { libusb_exit(context); }

Result<std::unique_ptr<Hotplug>> Hotplug::Start(Topology topology, OnChange on_change,
                                                std::chrono::milliseconds rescan) {
  std::unique_ptr<Hotplug> hotplug(new Hotplug(std::move(topology), std::move(on_change), rescan));
  hotplug->OpenLibusb();
  hotplug->thread_ = std::thread([raw = hotplug.get()] { raw->Run(); });
  return hotplug;
}

Hotplug::Hotplug(Topology topology, OnChange on_change, std::chrono::milliseconds rescan)
    : topology_(std::move(topology)), on_change_(std::move(on_change)), rescan_(rescan) {}

Hotplug::~Hotplug() {
  stopping_ = true;
  if (context_) libusb_interrupt_event_handler(context_.get());
  if (thread_.joinable()) thread_.join();
}

void Hotplug::OpenLibusb() {
  libusb_context* raw = nullptr;
  int code = libusb_init(&raw);
  if (code == 0) {
    context_.reset(raw);
    code = libusb_hotplug_register_callback(
        raw, LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED | LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT,
        LIBUSB_HOTPLUG_NO_FLAGS, kAppleVendor, LIBUSB_HOTPLUG_MATCH_ANY, LIBUSB_HOTPLUG_MATCH_ANY,
        Noted, nullptr, nullptr);
  }
  if (code == 0) return;
  context_.reset();
  Log(LogLevel::kWarning, "no USB hotplug events, scanning instead",
      {{"reason", libusb_strerror(code)}});
}

void Hotplug::Run() {
  std::vector<UsbPhone> last;
  bool first = true;
  while (!stopping_) {
    std::vector<UsbPhone> now = topology_.Scan();
    if (first || now != last) on_change_(now);
    first = false;
    last = std::move(now);
    if (context_) {
      timeval wait = ToTimeval(rescan_);
      libusb_handle_events_timeout_completed(context_.get(), &wait, nullptr);
    } else {
      std::this_thread::sleep_for(rescan_);
    }
  }
}

}  // namespace station::usb
