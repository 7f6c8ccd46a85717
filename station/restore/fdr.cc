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
#include "station/restore/host_policy.h"
#include "station/restore/little_endian.h"

namespace station::restore {
namespace {

using device::Connection;
using plist::Plist;

constexpr std::uint16_t kControlPort = 1082;
constexpr std::chrono::milliseconds kAnswer{20000};
constexpr std::chrono::milliseconds kForever{24 * 3600 * 1000};
constexpr std::uint32_t kLargest = 1U << 20U;
constexpr std::size_t kMostConnections = 64;  // under way at once
constexpr std::uint32_t kNewConnection = 1;   // words on the control connection
constexpr std::uint32_t kShutdown = 2;
constexpr std::uint16_t kListCommand = 0xBBAA;   // first words on a proxied connection
constexpr std::uint16_t kProxyCommand = 0x0105;  // also the beginning of a SOCKS5 greeting
constexpr int kConnectAttempts = 3;

// Ends its waits when the proxy is taken down; knows nothing of the job's cancel, which takes the
// proxy down anyway.
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
  for (unsigned shift = 0; shift < 32; shift += 8)
    out.push_back(static_cast<char>(value >> shift & 0xFFU));
}

std::span<const std::uint8_t> AsBytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// u32 little-endian length and a binary property list: FDR's own framing.
Status SendList(Connection& connection, const Plist& list, std::string prefix,
                JobControl& control) {
  const std::string body = list.ToBinary();
  AppendLittleEndian(prefix, static_cast<std::uint32_t>(body.size()));
  return connection.Send(AsBytes(prefix + body), kAnswer, control);
}

Result<Plist> ReceiveList(Connection& connection, JobControl& control) {
  std::array<std::uint8_t, 4> head{};
  STATION_CHECK(connection.ReceiveExactly(head, kAnswer, control));
  const auto size = ReadLittle<std::uint32_t>(head, 0);
  if (size > kLargest)
    return Fail(ErrorCode::kRestoreDialogue,
                "FDR: a message of " + std::to_string(size) + " bytes");
  std::vector<std::uint8_t> body(size);
  STATION_CHECK(connection.ReceiveExactly(body, kAnswer, control));
  return Plist::Parse(body);
}

Result<Fd> ConnectTcp(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int looked_up = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (looked_up != 0)
    return Fail(ErrorCode::kSigningUnreachable, host + ": " + ::gai_strerror(looked_up));
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
    if (::poll(waits.data(), waits.size(), 200) < 0 && errno != EINTR)
      return FailErrno("relaying", errno);
    if (waits[0].revents != 0) {
      STATION_TRY(got, phone.ReceiveSome(buffer, kAnswer, control));
      if (got == 0) return {};
      STATION_CHECK(WriteAll(server, std::span(buffer).first(got)));
    }
    if (waits[1].revents != 0) {
      const ssize_t got = ::recv(server.Get(), buffer.data(), buffer.size(), 0);
      if (got <= 0) return {};
      STATION_CHECK(
          phone.Send(std::span(buffer).first(static_cast<std::size_t>(got)), kAnswer, control));
    }
  }
}

// SOCKS5 as the phone speaks it (restore-protocol 8, step 6): greeting 05 01 00 (two bytes are read
// already), then 05 01 00 03 length host port; the answer repeats what was asked.
Status ProxyConnection(Connection& phone, const std::vector<std::string>& further_hosts,
                       JobControl& control) {
  std::array<std::uint8_t, 1> no_authentication{};
  STATION_CHECK(phone.ReceiveExactly(no_authentication, kAnswer, control));
  STATION_CHECK(phone.Send(std::array<std::uint8_t, 2>{5, 0}, kAnswer, control));
  std::array<std::uint8_t, 5> head{};
  STATION_CHECK(phone.ReceiveExactly(head, kAnswer, control));
  if (head[0] != 5 || head[1] != 1 || head[3] != 3)
    return Fail(ErrorCode::kRestoreDialogue, "FDR: not a connect by name");
  std::vector<std::uint8_t> rest(std::size_t{head[4]} + 2);
  STATION_CHECK(phone.ReceiveExactly(rest, kAnswer, control));
  const std::string host(rest.begin(), rest.end() - 2);
  const auto port = static_cast<std::uint16_t>(rest[rest.size() - 2] << 8U | rest[rest.size() - 1]);
  const bool further = std::ranges::find(further_hosts, host) != further_hosts.end();
  if (!MayReach(host, further_hosts) || (port != 443 && port != 80 && !further))
    return Fail(ErrorCode::kRestoreDialogue, "FDR: the phone may not reach " + host.substr(0, 100));
  STATION_TRY(server, ConnectTcp(host, port));
  head[1] = 0;  // success; the rest repeats what was asked
  std::string answer(head.begin(), head.end());
  answer.append(rest.begin(), rest.end());  // in one piece
  STATION_CHECK(phone.Send(AsBytes(answer), kAnswer, control));
  return Relay(phone, server, control);
}

// "HelloConn" is answered by a property list in version 2, by an echo in version 1.
Status Greet(Connection& phone, int version, JobControl& control) {
  const std::string hello("HelloConn\0", 10);
  STATION_CHECK(phone.Send(AsBytes(hello), kAnswer, control));
  if (version == 2) {
    STATION_TRY(greeting, ReceiveList(phone, control));
    return {};
  }
  std::array<std::uint8_t, 10> echo{};
  return phone.ReceiveExactly(echo, kAnswer, control);
}

Status ServeConnection(Connection phone, int version, const std::vector<std::string>& further_hosts,
                       JobControl& control) {
  STATION_CHECK(Greet(phone, version, control));
  std::array<std::uint8_t, 2> bytes{};
  STATION_CHECK(phone.ReceiveExactly(bytes, kAnswer, control));
  const auto command = ReadLittle<std::uint16_t>(bytes, 0);
  if (command == kListCommand) {
    STATION_TRY(request, ReceiveList(phone, control));
    if (request["Command"].String() != "Ping")
      return Fail(ErrorCode::kRestoreDialogue, "FDR: an unknown command");
    Plist pong = Plist::Dict();
    pong.Set("Pong", Plist::Bool(true));
    return SendList(phone, pong, "", control);
  }
  if (command == kProxyCommand) return ProxyConnection(phone, further_hosts, control);
  return Fail(ErrorCode::kRestoreDialogue, "FDR: the unknown command " + std::to_string(command));
}

}  // namespace

struct FdrProxy::Impl {
  Impl(ConnectToPort to_port, std::vector<std::string> hosts)
      : connect(std::move(to_port)), further_hosts(std::move(hosts)) {}

  // BeginCtrl; answers the port proxied connections go to.
  Result<std::uint16_t> Begin(Connection& connection) {
    Plist begin = Plist::Dict();
    begin.Set("Command", Plist::String("BeginCtrl")).Set("CtrlProtoVersion", Plist::Integer(2));
    STATION_CHECK(SendList(connection, begin, std::string("BeginCtrl\0", 10), stop));
    STATION_TRY(answer, ReceiveList(connection, stop));
    const auto port = answer["ConnPort"].Integer();
    if (!port || *port == 0 || *port > 65535)
      return Fail(ErrorCode::kRestoreDialogue, "FDR: no ConnPort");
    return static_cast<std::uint16_t>(*port);
  }

  // HelloCtrl, the first version: an echo and the port.
  Result<std::uint16_t> Hello(Connection& connection) {
    const std::string hello("HelloCtrl\0", 10);
    STATION_CHECK(connection.Send(AsBytes(hello), kAnswer, stop));
    std::array<std::uint8_t, 12> answer{};
    STATION_CHECK(connection.ReceiveExactly(answer, kAnswer, stop));
    const auto port = ReadLittle<std::uint16_t>(answer, 10);
    if (!std::ranges::equal(std::span(answer).first(10), AsBytes(hello)) || port == 0)
      return Fail(ErrorCode::kRestoreDialogue, "FDR: no echo");
    return port;
  }

  void ServeControl(Connection control_connection, std::uint16_t port) {
    while (true) {
      std::array<std::uint8_t, 4> bytes{};
      if (!control_connection.ReceiveExactly(bytes, kForever, stop)) return;
      const auto word = ReadLittle<std::uint32_t>(bytes, 0);
      if (word == kShutdown) return;
      if (word != kNewConnection) {
        Log(LogLevel::kInfo, "factory data: unknown control message",
            {{"word", std::to_string(word)}});
        continue;
      }
      std::erase_if(connections, [](const auto& served) { return served->done.load(); });
      if (connections.size() == kMostConnections) continue;
      auto connection = connect(port);
      if (connection) Serve(std::move(*connection));
    }
  }

  // What fails here is noise: a phone that misses something says so itself.
  void Serve(Connection connection) {
    auto& served = *connections.emplace_back(std::make_unique<Served>());
    served.thread =
        std::jthread([this, &served, phone = std::make_shared<Connection>(std::move(connection))] {
          if (auto done = ServeConnection(std::move(*phone), version, further_hosts, stop);
              !done && !stop.stopped)
            LogError(LogLevel::kInfo, "factory data connection ended", done.error());
          served.done = true;
        });
  }

  // True when the proxy runs on this connection.
  bool Start(Connection connection, int wanted_version) {
    auto port = wanted_version == 2 ? Begin(connection) : Hello(connection);
    if (!port) {
      LogError(LogLevel::kInfo, "factory data proxy not started", port.error(),
               {{"version", std::to_string(wanted_version)}});
      return false;
    }
    version = wanted_version;
    control_thread = std::jthread(
        [this, port = *port, shared = std::make_shared<Connection>(std::move(connection))] {
          ServeControl(std::move(*shared), port);
        });
    return true;
  }

  struct Served {
    std::atomic<bool> done{false};
    std::jthread thread;
  };
  const ConnectToPort connect;
  const std::vector<std::string> further_hosts;
  StopControl stop;
  int version = 2;
  std::vector<std::unique_ptr<Served>>
      connections;  // touched by the control thread, and after it has ended
  std::jthread control_thread;
};

FdrProxy::FdrProxy(const ConnectToPort& connect, const std::vector<std::string>& further_hosts,
                   JobControl& control)
    : impl_(std::make_unique<Impl>(connect, further_hosts)) {
  // The port may open a moment after restored answers.
  auto connection = connect(kControlPort);
  for (int attempt = 1; !connection && attempt < kConnectAttempts; ++attempt) {
    if (!control.Pause(std::chrono::milliseconds(1000))) return;
    connection = connect(kControlPort);
  }
  if (!connection) {
    Log(LogLevel::kInfo, "the phone offers no factory data port");
    return;
  }
  if (impl_->Start(std::move(*connection), 2)) return;
  if (auto second = connect(kControlPort)) (void)impl_->Start(std::move(*second), 1);
}

FdrProxy::~FdrProxy() {
  impl_->stop.stopped = true;
  if (impl_->control_thread.joinable()) impl_->control_thread.join();
  impl_->connections.clear();
}

}  // namespace station::restore
