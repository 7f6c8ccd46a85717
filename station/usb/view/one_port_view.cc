#include "station/usb/view/one_port_view.h"

#include <dlfcn.h>
#include <libusb.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <vector>

namespace station::usb {
namespace {

// Stands in front of C functions that carry no user data, so its state is the process's: a worker
// has one port.
struct View {
  std::mutex mutex;
  std::vector<PortPath> sides;
  std::vector<libusb_context*> contexts;
  std::atomic<std::uint64_t> listings{0};
};

View& TheView() {
  static View view;
  return view;
}

template <typename Function>
Function* Real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

bool OnOwnPort(libusb_device* device) {
  PortPath path;
  path.bus = libusb_get_bus_number(device);
  std::array<std::uint8_t, 8> ports{};
  const int depth = libusb_get_port_numbers(device, ports.data(), static_cast<int>(ports.size()));
  if (depth < 0) return false;  // 0: a root hub
  path.chain.assign(ports.begin(), ports.begin() + depth);
  View& view = TheView();
  const std::lock_guard lock(view.mutex);
  return std::ranges::find(view.sides, path) != view.sides.end();
}

libusb_context* FreshContext() {
  libusb_context* context = nullptr;
  if (libusb_init(&context) != 0) return nullptr;
  View& view = TheView();
  const std::lock_guard lock(view.mutex);
  view.contexts.push_back(context);
  return context;
}

}  // namespace

void ShowOnlyPort(std::span<const PortPath> sides) {
  View& view = TheView();
  const std::lock_guard lock(view.mutex);
  view.sides.assign(sides.begin(), sides.end());
}

std::uint64_t ListingsServed() { return TheView().listings.load(); }

void DropOldContexts() {
  std::vector<libusb_context*> contexts;
  {
    View& view = TheView();
    const std::lock_guard lock(view.mutex);
    contexts.swap(view.contexts);
  }
  for (libusb_context* context : contexts) libusb_exit(context);
}

}  // namespace station::usb

extern "C" {

// Stands in front of libusb's: the list of a fresh context, less every device that is not on the
// worker's port.
ssize_t libusb_get_device_list(libusb_context*, libusb_device*** list) {
  using station::usb::Real;
  static auto* const real =
      Real<ssize_t(libusb_context*, libusb_device***)>("libusb_get_device_list");
  libusb_context* context = station::usb::FreshContext();
  if (context == nullptr) return LIBUSB_ERROR_OTHER;
  const ssize_t count = real(context, list);
  if (count < 0) return count;
  station::usb::TheView().listings.fetch_add(1);
  ssize_t kept = 0;
  for (ssize_t i = 0; i < count; ++i) {
    libusb_device* device = (*list)[i];
    if (station::usb::OnOwnPort(device)) {
      (*list)[kept++] = device;
    } else {
      libusb_unref_device(device);
    }
  }
  (*list)[kept] = nullptr;
  return kept;
}

// Refuses foreign ports, however the device was come by.
int libusb_open(libusb_device* device, libusb_device_handle** handle) {
  static auto* const real =
      station::usb::Real<int(libusb_device*, libusb_device_handle**)>("libusb_open");
  if (!station::usb::OnOwnPort(device)) return LIBUSB_ERROR_ACCESS;
  return real(device, handle);
}

// A worker takes no hotplug events; only stationd listens. The monitor exists, but nothing is ever
// bound to it.
int udev_monitor_enable_receiving(struct udev_monitor*) { return 0; }
}
