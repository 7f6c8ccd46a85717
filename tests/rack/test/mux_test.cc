// The usbmuxd socket, byte for byte where clients look at bytes, and what its faults do.

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "tests/rack/mux/front.h"

namespace rack {
namespace {

constexpr std::uint16_t kEchoPort = 62078;
constexpr std::uint16_t kClosedPort = 1000;
constexpr std::chrono::seconds kPatience{20};
constexpr std::chrono::milliseconds kMoment{100};
constexpr const char* kUdid = "00008110-000A1B2C3D4E0007";

std::uint64_t NetworkOrder(std::uint16_t port) {
  return std::uint64_t{port} >> 8U | (std::uint64_t{port} & 0xFFU) << 8U;
}

struct Packet {
  std::uint32_t version = 0;
  std::uint32_t message = 0;
  std::uint32_t tag = 0;
  Bytes body;
  [[nodiscard]] Value Plist() const { return Value::Parse(body).value_or(Value()); }
};

class Client {
 public:
  explicit Client(const std::string& path) : stream_(Connected(path)) {}

  void Send(std::uint32_t version, std::uint32_t message, std::uint32_t tag,
            std::string_view body) {
    const std::array<std::uint32_t, 4> header = {static_cast<std::uint32_t>(16 + body.size()),
                                                 version, message, tag};
    std::string packet(reinterpret_cast<const char*>(header.data()), 16);
    stream_.Write(packet.append(body));
  }
  void Send(Value::Dict request) { Send(1, 8, 7, Value(std::move(request)).ToXml()); }

  // Nothing when the connection ended or nothing came.
  std::optional<Packet> Receive(std::chrono::milliseconds patience = kPatience) {
    std::array<std::uint32_t, 4> header;
    std::span<std::uint8_t> raw(reinterpret_cast<std::uint8_t*>(header.data()), 16);
    if (!stream_.ReadExact(raw, patience)) return std::nullopt;
    Packet packet{header[1], header[2], header[3], Bytes(header[0] - 16)};
    if (!stream_.ReadExact(packet.body, kPatience)) return std::nullopt;
    return packet;
  }
  Value Ask(Value::Dict request) {
    Send(std::move(request));
    const auto packet = Receive();
    return packet ? packet->Plist() : Value();
  }
  std::optional<std::uint64_t> Result(Value::Dict request) {
    return Ask(std::move(request)).Number("Number");
  }
  bool Ended() {
    std::array<std::uint8_t, 1> byte;
    return stream_.ReadSome(byte, kPatience) == 0U;
  }
  Stream& Raw() { return stream_; }

 private:
  static station::Fd Connected(const std::string& path) {
    auto fd = ConnectUnix(path);
    return fd ? std::move(*fd) : station::Fd();
  }
  Stream stream_;
};

class MuxTest : public testing::Test {
 protected:
  void SetUp() override {
    attachment_->Serve(kEchoPort, [](const std::shared_ptr<Stream>& stream) {
      std::array<std::uint8_t, 64> piece;
      while (const auto got = stream->ReadSome(piece).value_or(0))
        stream->Write(std::span(piece).first(got));
    });
    ASSERT_TRUE(front_.Open(path_, std::nullopt));
  }
  void TearDown() override {
    attachment_->End();
    front_.Close(path_);
    std::filesystem::remove_all(folder_);
  }

  std::uint32_t Plug() {
    MuxDevice device;
    device.phone = "one";
    device.udid = kUdid;
    device.location = 0x10005;
    device.attachment = attachment_;
    return devices_.Add(std::move(device));
  }
  static Value::Dict ConnectTo(std::uint64_t id, std::uint16_t port) {
    return {{"MessageType", "Connect"}, {"DeviceID", id}, {"PortNumber", NetworkOrder(port)}};
  }
  static std::string MakeFolder() {
    std::string pattern = "/tmp/rackm-XXXXXX";
    return mkdtemp(pattern.data());
  }

  std::string folder_ = MakeFolder();
  std::string path_ = folder_ + "/mux";
  std::shared_ptr<Attachment> attachment_ = std::make_shared<Attachment>();
  MuxDevices devices_;
  PairRecords records_{folder_};
  MuxFront front_{devices_, records_};
};

TEST_F(MuxTest, ListsWhatIsPlugged) {
  Client client(path_);
  EXPECT_TRUE(client.Ask({{"MessageType", "ListDevices"}}).Find("DeviceList")->AsArray()->empty());
  Plug();
  const Value answer = client.Ask({{"MessageType", "ListDevices"}});
  const Value& device = answer.Find("DeviceList")->AsArray()->front();
  EXPECT_EQ(device.Number("DeviceID"), 1U);
  const Value& properties = *device.Find("Properties");
  EXPECT_EQ(properties.Text("SerialNumber"), kUdid);
  EXPECT_EQ(properties.Text("ConnectionType"), "USB");
  EXPECT_EQ(properties.Number("LocationID"), 0x10005U);
  EXPECT_EQ(properties.Number("DeviceID"), 1U);
}

TEST_F(MuxTest, RefusesAsUsbmuxdDoesAndListensOn) {
  Plug();
  struct Row {
    const char* name;
    Value::Dict request;
    std::uint64_t result;
  };
  const Row rows[] = {
      {"UnknownCommand", {{"MessageType", "Dance"}}, 1},
      {"NoSuchDevice", ConnectTo(9, kEchoPort), 2},
      {"NoDevice", {{"MessageType", "Connect"}, {"PortNumber", NetworkOrder(kEchoPort)}}, 2},
      {"NoPort", {{"MessageType", "Connect"}, {"DeviceID", 1}}, 1},
      {"ClosedPort", ConnectTo(1, kClosedPort), 3},
      {"NoRecord", {{"MessageType", "ReadPairRecord"}, {"PairRecordID", kUdid}}, ENOENT},
      {"NoRecordId", {{"MessageType", "ReadPairRecord"}}, EINVAL},
      {"RecordIdIsNoPath", {{"MessageType", "ReadPairRecord"}, {"PairRecordID", "../x"}}, ENOENT},
      {"NothingToSave", {{"MessageType", "SavePairRecord"}, {"PairRecordID", kUdid}}, EINVAL},
      {"NothingToDelete", {{"MessageType", "DeletePairRecord"}, {"PairRecordID", kUdid}}, ENOENT},
  };
  Client client(path_);  // one connection for all: a refused command does not end it
  for (const Row& row : rows) EXPECT_EQ(client.Result(row.request), row.result) << row.name;
  client.Send(2, 8, 7, "");
  EXPECT_EQ(client.Receive()->Plist().Number("Number"), 6U);
}

TEST_F(MuxTest, ConnectedSocketIsThePhonesPort) {
  Plug();
  Client client(path_);
  EXPECT_EQ(client.Result(ConnectTo(1, kEchoPort)), 0U);
  client.Raw().Write("hello");
  std::array<std::uint8_t, 5> heard;
  EXPECT_TRUE(client.Raw().ReadExact(heard, kPatience));
  EXPECT_EQ(AsText(heard), "hello");
  attachment_->End();  // unplugged
  EXPECT_TRUE(client.Ended());
}

TEST_F(MuxTest, KeepsPairRecords) {
  Plug();
  Client listener(path_);
  EXPECT_EQ(listener.Result({{"MessageType", "Listen"}}), 0U);
  EXPECT_EQ(listener.Receive()->Plist().Text("MessageType"), "Attached");
  const std::string xml = Value(Value::Dict{{"HostID", "H"}}).ToXml();
  Client client(path_);
  EXPECT_EQ(client.Result({{"MessageType", "SavePairRecord"},
                           {"PairRecordID", kUdid},
                           {"DeviceID", 1},
                           {"PairRecordData", Bytes(xml.begin(), xml.end())}}),
            0U);
  const Value read = client.Ask({{"MessageType", "ReadPairRecord"}, {"PairRecordID", kUdid}});
  EXPECT_EQ(Value::Parse(*read.Data("PairRecordData"))->Text("HostID"), "H");
  const Value paired = listener.Receive()->Plist();
  EXPECT_EQ(paired.Text("MessageType"), "Paired");
  EXPECT_EQ(paired.Number("DeviceID"), 1U);
  EXPECT_EQ(client.Result({{"MessageType", "DeletePairRecord"}, {"PairRecordID", kUdid}}), 0U);
  const std::string buid = client.Ask({{"MessageType", "ReadBUID"}}).Text("BUID");
  EXPECT_EQ(buid.size(), 36U);
  EXPECT_EQ(client.Ask({{"MessageType", "ReadBUID"}}).Text("BUID"), buid);
}

TEST_F(MuxTest, EveryListenerHearsEverything) {
  Client first(path_);
  Client second(path_);
  for (Client* client : {&first, &second})
    EXPECT_EQ(client->Result({{"MessageType", "Listen"}, {"ProgName", "test"}}), 0U);
  const std::uint32_t handle = Plug();
  devices_.Remove(handle);
  for (Client* client : {&first, &second}) {
    const auto attached = client->Receive();
    EXPECT_EQ(attached->tag, 0U);
    EXPECT_EQ(attached->Plist().Text("MessageType"), "Attached");
    EXPECT_EQ(client->Receive()->Plist().Text("MessageType"), "Detached");
  }
  Client third(path_);
  EXPECT_EQ(third.Ask({{"MessageType", "ListListeners"}}).Find("ListenerList")->AsArray()->size(),
            2U);
  first.Send({{"MessageType", "ListDevices"}});
  EXPECT_TRUE(first.Ended());  // a listener may not ask
}

TEST_F(MuxTest, SpeaksTheBinaryProtocol) {
  const std::uint32_t handle = Plug();
  Client listener(path_);
  listener.Send(0, 3, 5, "");
  const auto result = listener.Receive();
  EXPECT_EQ(result->message, 1U);
  EXPECT_EQ(result->tag, 5U);
  EXPECT_EQ(result->body, Bytes(4));
  const auto added = listener.Receive();
  EXPECT_EQ(added->message, 4U);
  ASSERT_EQ(added->body.size(), 268U);
  EXPECT_EQ(added->body[0], 1U);  // device id
  EXPECT_STREQ(reinterpret_cast<const char*>(&added->body[6]), kUdid);
  EXPECT_EQ(added->body[264], 5U);  // location
  Client client(path_);
  const std::string to_echo = {1, 0, 0, 0, '\xF2', '\x7E', 0, 0};
  client.Send(0, 2, 6, to_echo);
  EXPECT_EQ(client.Receive()->body, Bytes(4));
  client.Raw().Write("x");
  std::array<std::uint8_t, 1> heard;
  EXPECT_TRUE(client.Raw().ReadExact(heard, kPatience));
  devices_.Remove(handle);
  EXPECT_EQ(listener.Receive()->message, 5U);
}

TEST_F(MuxTest, HostileLengthEndsTheConnection) {
  for (const std::uint32_t length : {0U, 15U, 65537U, 0xFFFFFFFFU}) {
    Client client(path_);
    const std::array<std::uint32_t, 4> header = {length, 1, 8, 1};
    client.Raw().Write(std::string_view(reinterpret_cast<const char*>(header.data()), 16));
    EXPECT_TRUE(client.Ended()) << length;
  }
}

TEST_F(MuxTest, CrashEndsEverythingAndIdsBeginAnew) {
  devices_.Remove(Plug());
  Plug();
  Client listener(path_);
  EXPECT_EQ(listener.Result({{"MessageType", "Listen"}}), 0U);
  EXPECT_EQ(listener.Receive()->Plist().Number("DeviceID"), 2U);
  Client piped(path_);
  EXPECT_EQ(piped.Result(ConnectTo(2, kEchoPort)), 0U);
  EXPECT_TRUE(front_.Fault({"crash", "1000"}));
  EXPECT_TRUE(listener.Ended());
  EXPECT_TRUE(piped.Ended());
  EXPECT_FALSE(ConnectUnix(path_));
  EXPECT_TRUE(front_.Fault({"none"}));
  Client again(path_);
  EXPECT_EQ(again.Result(ConnectTo(1, kEchoPort)), 0U);
}

TEST_F(MuxTest, CrashEndsByItself) {
  EXPECT_TRUE(front_.Fault({"crash", "0"}));
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!ConnectUnix(path_) && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_TRUE(ConnectUnix(path_));
}

TEST_F(MuxTest, StallHoldsAnswersNoticesAndPipes) {
  Client listener(path_);
  EXPECT_EQ(listener.Result({{"MessageType", "Listen"}}), 0U);
  const std::uint32_t handle = Plug();
  EXPECT_TRUE(listener.Receive());
  Client piped(path_);
  EXPECT_EQ(piped.Result(ConnectTo(1, kEchoPort)), 0U);
  EXPECT_TRUE(front_.Fault({"stall", "1000"}));
  Client client(path_);
  client.Send({{"MessageType", "ListDevices"}});
  piped.Raw().Write("x");
  devices_.Remove(handle);
  for (Client* waiting : {&client, &listener, &piped})
    EXPECT_FALSE(waiting->Receive(kMoment).has_value());
  EXPECT_TRUE(front_.Fault({"none"}));
  EXPECT_TRUE(client.Receive().has_value());
  EXPECT_EQ(listener.Receive()->Plist().Text("MessageType"), "Detached");
  std::array<std::uint8_t, 1> heard;
  EXPECT_TRUE(piped.Raw().ReadExact(heard, kPatience));
}

TEST_F(MuxTest, FaultsAreRefusedWhenNotUnderstood) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {}, {"stall"}, {"stall", "soon"}, {"crash", "-1"}, {"crash", "1", "2"}, {"sulk"}})
    EXPECT_FALSE(front_.Fault(words));
}

}  // namespace
}  // namespace rack
