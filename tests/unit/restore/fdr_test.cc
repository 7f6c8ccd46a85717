// The proxy for factory data against a scripted phone: both versions, Ping, SOCKS, shutdown
// (restore-protocol 8).

#include "station/restore/fdr.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <deque>
#include <mutex>

#include "firmware_world.h"
#include "small_server.h"

namespace station::restore {
namespace {

using device::Connection;
using plist::Plist;
using testing::Bytes;
using testing::SmallServer;
using testing::ToBytes;

constexpr std::chrono::milliseconds kPatience{10000};

// The phone's ends of the connections the host makes, in the order it makes them.
class PhonePorts {
 public:
  // Connections beyond those offered are refused.
  Connection& Offer(std::uint16_t port) {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    const std::lock_guard lock(mutex_);
    offered_.push_back({port, Connection(Fd(fds[0]))});
    return *ours_.emplace_back(std::make_unique<Connection>(Fd(fds[1])));
  }
  ConnectToPort Connect() {
    return [this](std::uint16_t port) -> Result<Connection> {
      const std::lock_guard lock(mutex_);
      if (offered_.empty() || offered_.front().first != port)
        return Fail(ErrorCode::kPhoneGone, "refused");
      Connection connection = std::move(offered_.front().second);
      offered_.pop_front();
      return connection;
    };
  }

 private:
  std::mutex mutex_;
  std::deque<std::pair<std::uint16_t, Connection>> offered_;
  std::vector<std::unique_ptr<Connection>> ours_;
};

class FdrTest : public ::testing::Test {
 protected:
  Bytes Take(Connection& connection, std::size_t size) {
    Bytes bytes(size);
    const auto got = connection.ReceiveExactly(bytes, kPatience, control_);
    EXPECT_TRUE(got) << (got ? "" : got.error().context);
    return bytes;
  }
  void Give(Connection& connection, const Bytes& bytes) {
    EXPECT_TRUE(connection.Send(bytes, kPatience, control_));
  }
  // u32 least significant first, and a binary property list.
  Plist TakeList(Connection& connection) {
    const Bytes head = Take(connection, 4);
    auto list = Plist::Parse(Take(connection, head[0] | static_cast<std::size_t>(head[1]) << 8));
    EXPECT_TRUE(list);
    return list ? std::move(*list) : Plist::Dict();
  }
  void GiveList(Connection& connection, const std::string& xml) {
    const std::string body = testing::ParseXml("<plist>" + xml + "</plist>").ToBinary();
    Bytes bytes = {static_cast<std::uint8_t>(body.size()),
                   static_cast<std::uint8_t>(body.size() >> 8), 0, 0};
    bytes.insert(bytes.end(), body.begin(), body.end());
    Give(connection, bytes);
  }
  bool Closed(Connection& connection) {
    Bytes byte(1);
    const auto got = connection.ReceiveSome(byte, kPatience, control_);
    // With bytes left unread a close shows as a reset.
    return got ? *got == 0 : got.error().code == ErrorCode::kPhoneGone;
  }
  // BeginCtrl and its answer, on a thread of its own since the proxy's constructor waits for it.
  std::jthread BeginOn(Connection& control) {
    return std::jthread([this, &control] {
      EXPECT_EQ(Take(control, 10), ToBytes(std::string("BeginCtrl\0", 10)));
      const Plist begin = TakeList(control);
      EXPECT_EQ(begin["Command"].String(), "BeginCtrl");
      EXPECT_EQ(begin["CtrlProtoVersion"].Integer(), 2U);
      GiveList(control,
               "<dict><key>Command</key><string>BeginCtrl</string><key>CtrlProtoVersion</"
               "key><integer>2</integer><key>ConnPort</key><integer>7777</integer></dict>");
    });
  }
  const Bytes new_connection_{1, 0, 0, 0};
  testing::FreeRun control_;
  PhonePorts ports_;
};

TEST_F(FdrTest, PingIsAnswered_ShutdownEndsIt) {
  Connection& control = ports_.Offer(1082);
  auto begun = BeginOn(control);
  const FdrProxy proxy(ports_.Connect(), {}, control_);
  begun.join();
  Connection& connection = ports_.Offer(7777);
  Give(control, new_connection_);
  EXPECT_EQ(Take(connection, 10), ToBytes(std::string("HelloConn\0", 10)));
  GiveList(connection,
           "<dict><key>Command</key><string>HelloConn</string><key>Identifier</"
           "key><string>00008101-0</string></dict>");
  Give(connection, {0xAA, 0xBB});
  GiveList(connection, "<dict><key>Command</key><string>Ping</string></dict>");
  EXPECT_EQ(TakeList(connection)["Pong"].Bool(), true);
  EXPECT_TRUE(Closed(connection));
  Give(control, {9, 0, 0, 0});  // nobody knows it: goes on
  Connection& again = ports_.Offer(7777);
  Give(control, new_connection_);
  Take(again, 10);
  Give(control, {2, 0, 0, 0});
  EXPECT_TRUE(Closed(control));
}

TEST_F(FdrTest, FirstVersion_WhereThePhoneDoesNotKnowTheSecond) {
  Connection& second = ports_.Offer(1082);
  Connection& first = ports_.Offer(1082);
  std::jthread phone([&] {
    Take(second, 10);
    Give(second, {0, 0, 0, 0});  // no property list
    EXPECT_EQ(Take(first, 10), ToBytes(std::string("HelloCtrl\0", 10)));
    Give(first, ToBytes(std::string("HelloCtrl\0\x61\x1E", 12)));  // 7777
  });
  const FdrProxy proxy(ports_.Connect(), {}, control_);
  phone.join();
  Connection& connection = ports_.Offer(7777);
  Give(first, new_connection_);
  EXPECT_EQ(Take(connection, 10), ToBytes(std::string("HelloConn\0", 10)));
  Give(connection, ToBytes(std::string("HelloConn\0", 10)));
  Give(connection, {0xAA, 0xBB});
  GiveList(connection, "<dict><key>Command</key><string>Ping</string></dict>");
  EXPECT_EQ(TakeList(connection)["Pong"].Bool(), true);
}

TEST_F(FdrTest, NoPortIsNoError) {
  const FdrProxy proxy(ports_.Connect(), {}, control_);
  SUCCEED();
}

class ProxiedTest : public FdrTest {
 protected:
  // Up to the host's answer to the greeting.
  Connection& Greet(Connection& control) {
    Connection& connection = ports_.Offer(7777);
    Give(control, new_connection_);
    Take(connection, 10);
    GiveList(connection, "<dict><key>Command</key><string>HelloConn</string></dict>");
    Give(connection, {5, 1, 0});
    EXPECT_EQ(Take(connection, 2), (Bytes{5, 0}));
    return connection;
  }
  static Bytes ConnectTo(const std::string& host, std::uint16_t port) {
    Bytes bytes = {5, 1, 0, 3, static_cast<std::uint8_t>(host.size())};
    bytes.insert(bytes.end(), host.begin(), host.end());
    bytes.push_back(static_cast<std::uint8_t>(port >> 8));
    bytes.push_back(static_cast<std::uint8_t>(port & 0xFF));
    return bytes;
  }
};

TEST_F(ProxiedTest, SocksCarriesBytesBothWays) {
  SmallServer server([](const std::string& request) {
    return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n" +
           request.substr(5, 2);
  });
  Connection& control = ports_.Offer(1082);
  auto begun = BeginOn(control);
  const FdrProxy proxy(ports_.Connect(), {"127.0.0.1"}, control_);
  begun.join();
  Connection& connection = Greet(control);
  const Bytes wish = ConnectTo("127.0.0.1", server.Port());
  Give(connection, wish);
  Bytes echo = wish;
  echo[1] = 0;  // success, the rest repeated
  EXPECT_EQ(Take(connection, wish.size()), echo);
  Give(connection, ToBytes("GET /ok HTTP/1.1\r\n\r\n"));
  std::string answer;
  Bytes piece(4096);
  while (true) {
    const auto got = connection.ReceiveSome(piece, kPatience, control_);
    if (!got || *got == 0) break;
    answer.append(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*got));
  }
  EXPECT_TRUE(answer.ends_with("\r\n\r\nok")) << answer;
}

struct Wish {
  const char* name;
  Bytes bytes;
};
void PrintTo(const Wish& row, std::ostream* out) { *out << row.name; }
class RefusedWish : public ProxiedTest, public ::testing::WithParamInterface<Wish> {
 public:
  using ProxiedTest::ConnectTo;
};
TEST_P(RefusedWish, ClosesTheConnection) {
  Connection& control = ports_.Offer(1082);
  auto begun = BeginOn(control);
  const FdrProxy proxy(ports_.Connect(), {}, control_);
  begun.join();
  Connection& connection = Greet(control);
  Give(connection, GetParam().bytes);
  EXPECT_TRUE(Closed(connection));
}
INSTANTIATE_TEST_SUITE_P(
    Fdr, RefusedWish,
    ::testing::Values(Wish{"own_network", RefusedWish::ConnectTo("127.0.0.1", 443)},
                      Wish{"other_host", RefusedWish::ConnectTo("example.org", 443)},
                      Wish{"other_port", RefusedWish::ConnectTo("gs.apple.com", 22)},
                      Wish{"by_address", {5, 1, 0, 1, 4, 127, 0, 0, 1, 1, 187}},
                      Wish{"bind", {5, 2, 0, 3, 1, 'x', 0, 80}}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace station::restore
