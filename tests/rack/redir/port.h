#pragma once
// One port's socket: who is plugged in there now, and the thread that serves whichever host has
// connected. A host that goes is followed by the next one, which finds the same phone.

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>

#include "station/base/fd.h"
#include "tests/rack/usb/descriptors.h"

namespace rack {

struct PluggedDevice {
  DescriptorSet descriptors;
  std::shared_ptr<UsbFunction> function;
};

class RedirPort {
 public:
  [[nodiscard]] static station::Result<std::unique_ptr<RedirPort>> Open(
      const std::filesystem::path& path);
  ~RedirPort();
  RedirPort(const RedirPort&) = delete;
  RedirPort& operator=(const RedirPort&) = delete;

  // False when something is plugged in already.
  [[nodiscard]] bool Plug(PluggedDevice device);
  void Unplug();
  // Makes the thread look again at what is plugged in and at waiting transfers.
  void Wake();

 private:
  explicit RedirPort(station::Fd listener);
  void Run();
  void Serve(station::Fd connection);
  // Until `fd` is ready for `events`, or Wake; what it is ready for.
  [[nodiscard]] short WaitFor(int fd, short events);
  [[nodiscard]] std::shared_ptr<const PluggedDevice> Current() const;

  const station::Fd listener_;
  const station::Fd wake_;  // eventfd
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  std::shared_ptr<const PluggedDevice> plugged_;
  std::thread thread_;
};

}  // namespace rack
