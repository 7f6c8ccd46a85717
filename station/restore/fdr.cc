#include "station/restore/fdr.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "station/base/fd.h"
#include "station/base/log.h"
#include "station/plist/plist.h"

namespace station::restore {
namespace {

using device::Connection;
using plist::Plist;

constexpr std::uint16_t kControlPort = 1082;
constexpr std::chrono::milliseconds kAnswer{20000};
constexpr std::chrono::milliseconds kForever{24 * 3600 * 1000};
constexpr std::uint32_t kLargest = 1U << 20U;
constexpr std::size_t kMostConnections = 32;

// Ends its waits when the proxy is taken down; knows nothing of the job's cancel, which takes the proxy down anyway.
class StopControl final : public JobControl {
 public:
  void Progress(double, std::uint64_t, std::uint64_t) override {}
  Status KeepGoing() override {
    return stopped ? Fail(ErrorCode::kCancelled, "the restore is over") : Status();
  }
  Status Pause(std::chrono::milliseconds time) override {
    std::this_thread::sleep_for(std::min(time, std::chrono::milliseconds(100)));
    return KeepGoing();
  }
  std::atomic<bool> stopped{false};
};

void AppendLittleEndian(std::string& out, std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(value >> shift & 0xFFU));
}

std::span<const std::uint8_t> AsBytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// u32 little-endian length and a binary property list: FDR's own framing.
Status SendList(Connection& connection, const Plist& list, std::string prefix, JobControl& control) {
  const std::string body = list.ToBinary();
  AppendLittleEndian(prefix, static_cast<std::uint32_t>(body.size()));
  return connection.Send(AsBytes(prefix + body), kAnswer, control);
}

Result<Plist> ReceiveList(Connection& connection, JobControl& control) {
  std::array<std::uint8_t, 4> head{};
  STATION_CHECK(connection.ReceiveExactly(head, kAnswer, control));
  const std::uint32_t size = std::uint32_t{head[3]} << 24U | std::uint32_t{head[2]} << 16U | std::uint32_t{head[1]} << 8U | head[0];
  if (size > kLargest) return Fail(ErrorCode::kRestoreDialogue, "FDR: a message of " + std::to_string(size) + " bytes");
  std::vector<std::uint8_t> body(size);
  STATION_CHECK(connection.ReceiveExactly(body, kAnswer, control));
  return Plist::Parse(body);
}

// The phone may reach Apple's servers and nothing else of the host's network.
bool MayReach(const std::string& host, std::uint16_t port) {
  return (port == 443 || port == 80) && (host == "apple.com" || host.ends_with(".apple.com"));
}

Result<Fd> ConnectTcp(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int looked_up = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (looked_up != 0) return Fail(ErrorCode::kSigningUnreachable, host + ": " + ::gai_strerror(looked_up));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> guard(found, &::freeaddrinfo);
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    Fd fd(::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol));
    if (fd.Valid() && ::connect(fd.Get(), at->ai_addr, at->ai_addrlen) == 0) return fd;
  }
  return Fail(ErrorCode::kSigningUnreachable, "no connection to " + host);
}

// Bytes both ways until either side closes.
Status Relay(Connection& phone, const Fd& server, JobControl& control) {
  std::array<std::uint8_t, 16384> buffer{};
  while (true) {
    STATION_CHECK(control.KeepGoing());
    std::array<pollfd, 2> waits{{{phone.Descriptor(), POLLIN, 0}, {server.Get(), POLLIN, 0}}};
    if (::poll(waits.data(), waits.size(), 200) < 0 && errno != EINTR) return FailErrno("relaying", errno);
    if (waits[0].revents != 0) {
      STATION_TRY(got, phone.ReceiveSome(buffer, kAnswer, control));
      if (got == 0) return {};
      STATION_CHECK(WriteAll(server, std::span(buffer).first(got)));
    }
    if (waits[1].revents != 0) {
      const ssize_t got = ::recv(server.Get(), buffer.data(), buffer.size(), 0);
      if (got <= 0) return {};
      STATION_CHECK(phone.Send(std::span(buffer).first(static_cast<std::size_t>(got)), kAnswer, control));
    }
  }
}

// SOCKS5 as the phone speaks it (restore-protocol 8, step 6): greeting 05 01 00 (two bytes are read already), then
// 05 01 00 03 length host port; the answer repeats what was asked.
Status ProxyConnection(Connection& phone, JobControl& control) {
  std::array<std::uint8_t, 1> no_authentication{};
  STATION_CHECK(phone.ReceiveExactly(no_authentication, kAnswer, control));
  STATION_CHECK(phone.Send(std::array<std::uint8_t, 2>{5, 0}, kAnswer, control));
  std::array<std::uint8_t, 5> head{};
  STATION_CHECK(phone.ReceiveExactly(head, kAnswer, control));
  if (head[0] != 5 || head[1] != 1 || head[3] != 3) return Fail(ErrorCode::kRestoreDialogue, "FDR: not a connect by name");
  std::vector<std::uint8_t> rest(std::size_t{head[4]} + 2);
  STATION_CHECK(phone.ReceiveExactly(rest, kAnswer, control));
  const std::string host(rest.begin(), rest.end() - 2);
  const auto port = static_cast<std::uint16_t>(rest[rest.size() - 2] << 8U | rest[rest.size() - 1]);
  if (!MayReach(host, port)) return Fail(ErrorCode::kRestoreDialogue, "FDR: the phone may not reach " + host.substr(0, 100));
  STATION_TRY(server, ConnectTcp(host, port));
  head[1] = 0;  // success; the rest repeats what was asked
  std::string answer(head.begin(), head.end());
  answer.append(rest.begin(), rest.end());  // in one piece
  STATION_CHECK(phone.Send(AsBytes(answer), kAnswer, control));
  return Relay(phone, server, control);
}

Status ServeConnection(Connection phone, JobControl& control) {
  const std::string hello("HelloConn\0", 10);
  STATION_CHECK(phone.Send(AsBytes(hello), kAnswer, control));
  STATION_TRY(greeting, ReceiveList(phone, control));
  std::array<std::uint8_t, 2> command{};
  STATION_CHECK(phone.ReceiveExactly(command, kAnswer, control));
  if (command[0] == 0xAA && command[1] == 0xBB) {
    STATION_TRY(request, ReceiveList(phone, control));
    Plist pong = Plist::Dict();
    pong.Set("Pong", Plist::Bool(true));
    return SendList(phone, pong, "", control);
  }
  if (command[0] == 0x05 && command[1] == 0x01) return ProxyConnection(phone, control);
  return Fail(ErrorCode::kRestoreDialogue, "FDR: unknown command");
}

}  // namespace

struct FdrProxy::Impl {
  explicit Impl(const device::Device& phone) : device(phone) {}

  // BeginCtrl; answers the port proxied connections go to.
  Result<std::uint16_t> Begin(Connection& connection) {
    Plist begin = Plist::Dict();
    begin.Set("Command", Plist::String("BeginCtrl")).Set("CtrlProtoVersion", Plist::Integer(2));
    STATION_CHECK(SendList(connection, begin, std::string("BeginCtrl\0", 10), stop));
    STATION_TRY(answer, ReceiveList(connection, stop));
    const auto port = answer["ConnPort"].Integer();
    if (!port || *port == 0 || *port > 65535) return Fail(ErrorCode::kRestoreDialogue, "FDR: no ConnPort");
    return static_cast<std::uint16_t>(*port);
  }

  void ServeControl(Connection control_connection, std::uint16_t port) {
    while (true) {
      std::array<std::uint8_t, 4> message{};
      if (!control_connection.ReceiveExactly(message, kForever, stop)) return;
      if (message[0] == 2) return;  // shutdown
      if (message[0] != 1 || connections.size() == kMostConnections) continue;
      auto connection = device.Connect(port);
      if (!connection) continue;
      connections.emplace_back([this, phone = std::make_shared<Connection>(std::move(*connection))] {
        if (auto served = ServeConnection(std::move(*phone), stop); !served && !stop.stopped)
          LogError(LogLevel::kInfo, "factory data connection ended", served.error());
      });
    }
  }

  const device::Device& device;
  StopControl stop;
  std::vector<std::jthread> connections;  // touched by the control thread, and after it has ended
  std::jthread control_thread;
};

FdrProxy::FdrProxy(const device::Device& device, JobControl& control) : impl_(std::make_unique<Impl>(device)) {
  for (int attempt = 0; attempt < 3; ++attempt) {
    auto connection = device.Connect(kControlPort);
    if (!connection) {
      if (!control.Pause(std::chrono::milliseconds(1000))) return;
      continue;
    }
    auto port = impl_->Begin(*connection);
    if (!port) {
      LogError(LogLevel::kInfo, "factory data proxy not started", port.error());
      return;
    }
    impl_->control_thread = std::jthread([impl = impl_.get(), port = *port, shared = std::make_shared<Connection>(std::move(*connection))] {
      impl->ServeControl(std::move(*shared), port);
    });
    return;
  }
  Log(LogLevel::kInfo, "the phone offers no factory data port");
}

FdrProxy::~FdrProxy() {
  impl_->stop.stopped = true;
  if (impl_->control_thread.joinable()) impl_->control_thread.join();
  impl_->connections.clear();
}

}  // namespace station::restore
