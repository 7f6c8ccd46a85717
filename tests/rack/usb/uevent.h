#pragma once
// Hotplug events of one world, as udevd would broadcast them: a datagram to every monitor socket
// the preload has bound below the world's root.

#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace rack {

class UeventSender {
 public:
  explicit UeventSender(std::string root);
  // Unsent events are dropped.
  ~UeventSender();
  UeventSender(const UeventSender&) = delete;
  UeventSender& operator=(const UeventSender&) = delete;

  // `properties` are "KEY=value"; SUBSYSTEM=usb and DEVTYPE=usb_device are what libusb filters for.
  // Returns at once; events leave in order.
  void Send(const std::vector<std::string>& properties);

 private:
  void Run();
  void Deliver(const std::string& datagram);
  void DeliverTo(const std::string& path, const std::string& datagram);

  const std::string root_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> queue_;
  bool stopping_ = false;
  std::set<std::string> deaf_;  // monitors that let their queue overflow; only the thread uses it
  std::thread thread_;
};

// The datagram for `properties`: libudev's header (magic, offsets, filter hashes), then the
// properties, each with a NUL.
[[nodiscard]] std::string UeventDatagram(const std::vector<std::string>& properties);

}  // namespace rack
