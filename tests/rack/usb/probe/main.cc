// A plain libusb program, for tests: it knows nothing of the rack. Says what it did in lines of
// text.
//
//   list                              a line per device: bus, ports, address, ids, speed, serial
//   strings PORT                      the raw string descriptors 0-6
//   upload PORT BYTES [CHUNK] [noclaim]   recovery upload of a pattern, with its speed
//   read PORT TIMEOUT_MS              one read from 0x81 of interface 1, setting 1
//   dfu PORT BYTES                    a DFU download, finished by a port reset
//   watch COUNT                       hotplug events until COUNT have come
//   raw NODE                          three GET_CAPABILITIES and a read, without libusb
//   command PORT TEXT [REQUEST]       one control transfer, stalls and all
//   in PORT TYPE REQUEST LENGTH       the same to the host, with its bytes

#include <fcntl.h>
#include <libusb.h>
#include <linux/usbdevice_fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct CloseHandle {
  void operator()(libusb_device_handle* handle) const { libusb_close(handle); }
};
using Handle = std::unique_ptr<libusb_device_handle, CloseHandle>;

constexpr unsigned kTimeoutMs = 20000;

std::string PortOf(libusb_device* device) {
  std::uint8_t ports[7];
  const int depth = libusb_get_port_numbers(device, ports, sizeof ports);
  std::string text = std::to_string(libusb_get_bus_number(device)) + "-";
  if (depth <= 0) return text + "0";
  for (int i = 0; i < depth; ++i) text += (i == 0 ? "" : ".") + std::to_string(ports[i]);
  return text;
}

std::string Ids(libusb_device* device) {
  libusb_device_descriptor descriptor{};
  libusb_get_device_descriptor(device, &descriptor);
  char text[16];
  std::snprintf(text, sizeof text, "%04x:%04x", descriptor.idVendor, descriptor.idProduct);
  return text;
}

Handle Open(libusb_context* context, std::string_view port) {
  libusb_device** list = nullptr;
  const ssize_t count = libusb_get_device_list(context, &list);
  libusb_device_handle* handle = nullptr;
  for (ssize_t i = 0; i < count; ++i)
    if (PortOf(list[i]) == port) libusb_open(list[i], &handle);
  libusb_free_device_list(list, 1);
  if (handle == nullptr) std::printf("no device at %s\n", std::string(port).c_str());
  return Handle(handle);
}

int List(libusb_context* context) {
  libusb_device** list = nullptr;
  const ssize_t count = libusb_get_device_list(context, &list);
  for (ssize_t i = 0; i < count; ++i) {
    libusb_device_descriptor descriptor{};
    libusb_get_device_descriptor(list[i], &descriptor);
    unsigned char serial[256] = "";
    libusb_device_handle* raw = nullptr;
    if (libusb_open(list[i], &raw) == 0) {
      const Handle handle(raw);
      if (descriptor.iSerialNumber != 0)
        libusb_get_string_descriptor_ascii(raw, descriptor.iSerialNumber, serial, sizeof serial);
    }
    std::printf("%s %u %s speed=%d serial=%s\n", PortOf(list[i]).c_str(),
                libusb_get_device_address(list[i]), Ids(list[i]).c_str(),
                libusb_get_device_speed(list[i]), reinterpret_cast<const char*>(serial));
  }
  libusb_free_device_list(list, 1);
  return 0;
}

int Strings(libusb_device_handle* handle) {
  for (std::uint8_t index = 0; index <= 7; ++index) {
    unsigned char bytes[256];
    const int got = libusb_get_string_descriptor(handle, index, 0x0409, bytes, sizeof bytes);
    std::printf("%u: %d", index, got);
    for (int i = 0; i < got; ++i) std::printf(" %02x", bytes[i]);
    std::printf("\n");
  }
  return 0;
}

std::vector<unsigned char> Pattern(std::size_t size) {
  std::vector<unsigned char> bytes(size);
  std::uint32_t state = 1;
  for (unsigned char& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<unsigned char>(state >> 24U);
  }
  return bytes;
}

int Upload(libusb_device_handle* handle, std::size_t size, std::size_t chunk, bool claim) {
  if (claim) std::printf("claim %d\n", libusb_claim_interface(handle, 0));
  std::vector<unsigned char> bytes = Pattern(size);
  libusb_control_transfer(handle, 0x41, 0, 0, 0, nullptr, 0, kTimeoutMs);
  std::printf("started\n");
  std::fflush(stdout);
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t at = 0; at < size; at += chunk) {
    const auto length = static_cast<int>(std::min(chunk, size - at));
    int sent = 0;
    const int error =
        libusb_bulk_transfer(handle, 0x04, bytes.data() + at, length, &sent, kTimeoutMs);
    if (error != 0 || sent != length) {
      std::printf("failed %s at %zu sent %d\n", libusb_error_name(error), at, sent);
      return 3;
    }
  }
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  std::printf("uploaded %zu %.1f MB/s\n", size, static_cast<double>(size) / 1e6 / time.count());
  return 0;
}

int Read(libusb_device_handle* handle, unsigned timeout) {
  std::printf("claim %d\n", libusb_claim_interface(handle, 1));
  std::printf("setting %d\n", libusb_set_interface_alt_setting(handle, 1, 1));
  unsigned char bytes[4096];
  int got = 0;
  const int error = libusb_bulk_transfer(handle, 0x81, bytes, sizeof bytes, &got, timeout);
  std::printf("read %s %d %.*s\n", libusb_error_name(error), got, got,
              reinterpret_cast<const char*>(bytes));
  return 0;
}

int DfuState(libusb_device_handle* handle) {
  unsigned char status[6] = {};
  const int got = libusb_control_transfer(handle, 0xA1, 3, 0, 0, status, 6, kTimeoutMs);
  return got == 6 ? status[4] : got;
}

int Dfu(libusb_device_handle* handle, std::size_t size) {
  std::printf("claim %d\n", libusb_claim_interface(handle, 0));
  std::vector<unsigned char> bytes = Pattern(size);
  std::uint16_t block = 0;
  for (std::size_t at = 0; at < size; at += 0x800, ++block) {
    const auto length = static_cast<std::uint16_t>(std::min<std::size_t>(0x800, size - at));
    const int sent =
        libusb_control_transfer(handle, 0x21, 1, block, 0, bytes.data() + at, length, kTimeoutMs);
    if (sent != length) {
      std::printf("block %u: %s\n", block, libusb_error_name(sent));
      return 3;
    }
    if (const int state = DfuState(handle); state != 5) std::printf("state %d\n", state);
  }
  libusb_control_transfer(handle, 0x21, 1, block, 0, nullptr, 0, kTimeoutMs);
  std::printf("final state %d\n", DfuState(handle));
  std::printf("reset %s\n", libusb_error_name(libusb_reset_device(handle)));
  return 0;
}

struct Watch {
  int left;
};

int OnHotplug(libusb_context*, libusb_device* device, libusb_hotplug_event event, void* data) {
  const char* what = event == LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED ? "arrived" : "left";
  std::printf("%s %s %u %s\n", what, PortOf(device).c_str(), libusb_get_device_address(device),
              Ids(device).c_str());
  std::fflush(stdout);
  --static_cast<Watch*>(data)->left;
  return 0;
}

int WatchEvents(libusb_context* context, int count) {
  Watch watch{count};
  libusb_hotplug_register_callback(
      context, LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED | LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT, 0, 0x05AC,
      LIBUSB_HOTPLUG_MATCH_ANY, LIBUSB_HOTPLUG_MATCH_ANY, OnHotplug, &watch, nullptr);
  std::printf("watching\n");
  std::fflush(stdout);
  while (watch.left > 0) libusb_handle_events(context);
  return 0;
}

int Command(libusb_device_handle* handle, std::string text, std::uint8_t request) {
  const int sent = libusb_control_transfer(handle, 0x40, request, 0, 0,
                                           reinterpret_cast<unsigned char*>(text.data()),
                                           static_cast<std::uint16_t>(text.size() + 1), kTimeoutMs);
  std::printf("command %s\n", sent < 0 ? libusb_error_name(sent) : std::to_string(sent).c_str());
  return 0;
}

int In(libusb_device_handle* handle, std::uint8_t type, std::uint8_t request,
       std::uint16_t length) {
  std::vector<unsigned char> bytes(length);
  const int got =
      libusb_control_transfer(handle, type, request, 0, 0, bytes.data(), length, kTimeoutMs);
  std::printf("in %s", got < 0 ? libusb_error_name(got) : std::to_string(got).c_str());
  for (int i = 0; i < got; ++i) std::printf(" %02x", bytes[static_cast<std::size_t>(i)]);
  std::printf("\n");
  return 0;
}

std::uint8_t Byte(const std::string& word) {
  return static_cast<std::uint8_t>(std::strtoul(word.c_str(), nullptr, 0));
}

int Raw(const char* node) {
  const int fd = open(node, O_RDWR);
  if (fd < 0) return 4;
  for (int i = 0; i < 3; ++i) {
    std::uint32_t capabilities = 0;
    const int result = ioctl(fd, USBDEVFS_GET_CAPABILITIES, &capabilities);
    if (result < 0)
      std::printf("error %d\n", errno);
    else
      std::printf("ioctl %d %x\n", result, capabilities);
    std::fflush(stdout);
  }
  char bytes[18];
  std::printf("read %zd\n", read(fd, bytes, sizeof bytes));
  close(fd);
  return 0;
}

int Run(libusb_context* context, const std::vector<std::string>& words) {
  const std::string& verb = words[0];
  if (verb == "list") return List(context);
  if (words.size() < 2) return 2;
  if (verb == "watch") return WatchEvents(context, std::atoi(words[1].c_str()));
  const Handle handle = Open(context, words[1]);
  if (!handle) return 4;
  if (verb == "strings") return Strings(handle.get());
  if (words.size() < 3) return 2;
  const auto number = static_cast<std::size_t>(std::atoll(words[2].c_str()));
  if (verb == "upload") {
    const std::size_t chunk =
        words.size() > 3 ? std::strtoul(words[3].c_str(), nullptr, 10) : 0x8000;
    return Upload(handle.get(), number, chunk, words.size() < 5);
  }
  if (verb == "read") return Read(handle.get(), static_cast<unsigned>(number));
  if (verb == "dfu") return Dfu(handle.get(), number);
  if (verb == "command")
    return Command(handle.get(), words[2], words.size() > 3 ? Byte(words[3]) : 0);
  if (verb == "in" && words.size() == 5)
    return In(handle.get(), Byte(words[2]), Byte(words[3]),
              static_cast<std::uint16_t>(std::strtoul(words[4].c_str(), nullptr, 0)));
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty()) return 2;
  if (words[0] == "raw" && words.size() > 1) return Raw(words[1].c_str());
  libusb_context* context = nullptr;
  if (libusb_init(&context) != 0) return 1;
  const int result = Run(context, words);
  libusb_exit(context);
  return result;
}
