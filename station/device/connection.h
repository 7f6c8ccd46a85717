#pragma once
// A TCP-like connection to a port on the phone, over usbmuxd. The descriptor is non-blocking; all
// waits are ours, since libimobiledevice 1.3.0 answers a full buffer with an error and waits 30 s
// where one cannot cancel (device-services 7.3).

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "station/base/fd.h"
#include "station/base/job_control.h"
#include "station/base/result.h"
#include "station/device/tap.h"

struct idevice_private;
struct idevice_connection_private;

namespace station::device {

class Connection;

// Whether usbmuxd is there; asked anew each time.
[[nodiscard]] bool MuxAnswers();

// A phone usbmuxd knows, by its UDID.
class Device {
 public:
  // kPhoneGone when usbmuxd does not know it, kMuxUnreachable when usbmuxd does not answer.
  [[nodiscard]] static Result<Device> Open(const std::string& udid);
  // UDIDs usbmuxd lists now.
  [[nodiscard]] static Result<std::vector<std::string>> List();
  // kPhoneGone when the phone refuses the port or is gone (1.3.0 does not tell them apart).
  [[nodiscard]] Result<Connection> Connect(std::uint16_t port) const;
  [[nodiscard]] idevice_private* Raw() const { return device_.get(); }
  // Messages over connections made from here on are shown to it; it outlives them. Null: to nobody.
  void SetTap(Tap* tap) { tap_ = tap; }

 private:
  struct Free {
    void operator()(idevice_private* device) const noexcept;
  };
  std::unique_ptr<idevice_private, Free> device_;
  Tap* tap_ = nullptr;
};

class Connection {
 public:
  // Over a connected stream socket that is ours already.
  explicit Connection(Fd socket) : own_(std::move(socket)), fd_(own_.Get()) {}
  // All bytes; kDeviceSilent when the phone takes nothing for `stall`, kPhoneGone when it closed,
  // or the control's reason.
  [[nodiscard]] Status Send(std::span<const std::uint8_t> bytes, std::chrono::milliseconds stall,
                            JobControl& control);
  // At least one byte, at most out.size(); 0 at the end of the stream. kDeviceSilent after
  // `timeout`.
  [[nodiscard]] Result<std::size_t> ReceiveSome(std::span<std::uint8_t> out,
                                                std::chrono::milliseconds timeout,
                                                JobControl& control);
  [[nodiscard]] Status ReceiveExactly(std::span<std::uint8_t> out,
                                      std::chrono::milliseconds timeout, JobControl& control);
  // Waits until it can be written; as Send.
  [[nodiscard]] Status WaitWritable(std::chrono::milliseconds stall, JobControl& control);
  [[nodiscard]] int Descriptor() const { return fd_; }  // owned by the connection
  void SetSendBuffer(int bytes);
  // For those who speak property lists over it.
  [[nodiscard]] bool IsShown() const { return tap_ != nullptr; }
  void Show(Direction direction, plist::View message) const {
    if (tap_ != nullptr) tap_->OnMessage(line_, direction, message);
  }

 private:
  friend class Device;
  struct Close {
    void operator()(idevice_connection_private* connection) const noexcept;
  };
  [[nodiscard]] Status Wait(short events, std::chrono::milliseconds timeout, JobControl& control);
  Connection() = default;
  std::unique_ptr<idevice_connection_private, Close> connection_;
  Fd own_;
  int fd_ = -1;  // borrowed from one of the two
  Tap* tap_ = nullptr;
  Line line_;
};

}  // namespace station::device
