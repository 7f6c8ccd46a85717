#include "station/device/connection.h"

#include <libimobiledevice/libimobiledevice.h>
#include <poll.h>
#include <sys/socket.h>
#include <usbmuxd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

namespace station::device {
namespace {
// How often a wait looks whether the job is to end.
constexpr std::chrono::milliseconds kLookUp{200};
}  // namespace

// libimobiledevice 1.3.0 says "no device" also when there is no usbmuxd.
bool MuxAnswers() {
  usbmuxd_device_info_t* list = nullptr;
  const int count = usbmuxd_get_device_list(&list);
  if (count >= 0) usbmuxd_device_list_free(&list);
  return count >= 0;
}

void Device::Free::operator()(idevice_private* device) const noexcept { idevice_free(device); }
void Connection::Close::operator()(idevice_connection_private* connection) const noexcept {
  idevice_disconnect(connection);
}

Result<Device> Device::Open(const std::string& udid) {
  idevice_t raw = nullptr;
  const idevice_error_t error = idevice_new(&raw, udid.c_str());
  if (error == IDEVICE_E_NO_DEVICE && !MuxAnswers())
    return Fail(ErrorCode::kMuxUnreachable, "usbmuxd is not there");
  if (error == IDEVICE_E_NO_DEVICE)
    return Fail(ErrorCode::kPhoneGone, "usbmuxd does not know " + udid);
  if (error != IDEVICE_E_SUCCESS)
    return Fail(ErrorCode::kMuxUnreachable, "usbmuxd: error " + std::to_string(error));
  Device device;
  device.device_.reset(raw);
  return device;
}

Result<std::vector<std::string>> Device::List() {
  char** list = nullptr;
  int count = 0;
  const idevice_error_t error = idevice_get_device_list(&list, &count);
  if (error == IDEVICE_E_NO_DEVICE) return std::vector<std::string>();
  if (error != IDEVICE_E_SUCCESS)
    return Fail(ErrorCode::kMuxUnreachable, "usbmuxd: error " + std::to_string(error));
  std::vector<std::string> udids(list, list + count);
  idevice_device_list_free(list);
  return udids;
}

Result<Connection> Device::Connect(std::uint16_t port) const {
  idevice_connection_t raw = nullptr;
  const idevice_error_t error = idevice_connect(device_.get(), port, &raw);
  if (error != IDEVICE_E_SUCCESS)
    return Fail(ErrorCode::kPhoneGone, "connecting to the phone's port " + std::to_string(port) +
                                           ": error " + std::to_string(error));
  Connection connection;
  connection.connection_.reset(raw);
  if (idevice_connection_get_fd(raw, &connection.fd_) != IDEVICE_E_SUCCESS || connection.fd_ < 0)
    return Fail(ErrorCode::kInternal, "a connection without descriptor");
  static std::atomic<std::uint32_t> next_number{0};
  connection.tap_ = tap_;
  connection.line_ = {port, ++next_number};
  return connection;
}

Status Connection::Wait(short events, std::chrono::milliseconds timeout, JobControl& control) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (true) {
    STATION_CHECK(control.KeepGoing());
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd wait{fd_, events, 0};
    const int ready =
        ::poll(&wait, 1,
               static_cast<int>(std::clamp(left, std::chrono::milliseconds(0), kLookUp).count()));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return FailErrno("waiting for the phone", errno);
    if (ready == 0 && left <= std::chrono::milliseconds(0))
      return Fail(ErrorCode::kDeviceSilent,
                  "nothing from the phone for " + std::to_string(timeout.count()) + " ms");
  }
}

Status Connection::WaitWritable(std::chrono::milliseconds stall, JobControl& control) {
  return Wait(POLLOUT, stall, control);
}

Status Connection::Send(std::span<const std::uint8_t> bytes, std::chrono::milliseconds stall,
                        JobControl& control) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    } else if (sent < 0 && errno == EAGAIN) {
      STATION_CHECK(WaitWritable(stall, control));
    } else if (errno != EINTR) {
      return Fail(ErrorCode::kPhoneGone,
                  std::string("sending to the phone: ") + std::strerror(errno));
    }
  }
  return {};
}

Result<std::size_t> Connection::ReceiveSome(std::span<std::uint8_t> out,
                                            std::chrono::milliseconds timeout,
                                            JobControl& control) {
  while (true) {
    const ssize_t got = ::recv(fd_, out.data(), out.size(), MSG_DONTWAIT);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EAGAIN) {
      STATION_CHECK(Wait(POLLIN, timeout, control));
    } else if (errno != EINTR) {
      return Fail(ErrorCode::kPhoneGone,
                  std::string("receiving from the phone: ") + std::strerror(errno));
    }
  }
}

Status Connection::ReceiveExactly(std::span<std::uint8_t> out, std::chrono::milliseconds timeout,
                                  JobControl& control) {
  while (!out.empty()) {
    STATION_TRY(got, ReceiveSome(out, timeout, control));
    if (got == 0) return Fail(ErrorCode::kPhoneGone, "the phone closed the connection");
    out = out.subspan(got);
  }
  return {};
}

void Connection::SetSendBuffer(int bytes) {
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

}  // namespace station::device
