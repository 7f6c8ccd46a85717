#pragma once
// Listens to usbmuxd by itself, because libusbmuxd drops where a phone is. Connects again for ever.

#include <utility>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "station/base/result.h"
#include "station/daemon/cart/cart.h"
#include "station/plist/plist.h"

namespace station::daemon {

// Where usbmuxd is: "UNIX:/path" or "host:port" (the last colon splits, [..] around IPv6), as in
// USBMUXD_SOCKET_ADDRESS. Empty: /var/run/usbmuxd. kConfigInvalid.
[[nodiscard]] Result<boost::asio::generic::stream_protocol::endpoint> MuxAddress(
    const std::string& address);

class MuxListener {
 public:
  using OnChange = std::function<void(bool connected, const std::set<MuxPhone>& phones)>;
  MuxListener(boost::asio::io_context& io, boost::asio::generic::stream_protocol::endpoint address,
              Clock& clock, OnChange on_change);

  void Start();
  void Stop();

 private:
  struct Session;  // shared with pending reads; a stale one is told by generation_
  void Connect();
  void Lost(const std::string& why);
  void ReadHeader(std::shared_ptr<Session> session);
  void ReadBody(std::shared_ptr<Session> session);
  [[nodiscard]] Status OnPlist(plist::View message);

  boost::asio::io_context& io_;
  boost::asio::generic::stream_protocol::endpoint address_;
  OnChange on_change_;
  Timer again_;
  std::chrono::milliseconds backoff_;
  std::shared_ptr<Session> session_;
  bool listening_ = false;
  bool said_lost_ = false;
  std::map<std::uint64_t, MuxPhone> phones_;  // by DeviceID
};

}  // namespace station::daemon
