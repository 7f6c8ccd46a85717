// Pins what we rely on of umockdev's preload, an internal of version 0.17.16, and what we do with
// clients that do not keep to it.

#include <gmock/gmock.h>
#include <linux/usbdevice_fs.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "tests/rack/usb/client_memory.h"
#include "tests/rack/usb/test/bus_test.h"

namespace rack {
namespace {

using testing::HasSubstr;
using testing::Optional;

constexpr const char* kOtherProtocol =
    "umockdev's preload speaks another protocol than that of 0.17.16";

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  return address;
}

station::Fd ConnectTo(const std::string& path) {
  station::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = AddressOf(path);
  EXPECT_EQ(::connect(socket.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
            0);
  return socket;
}

// A server of one node that does by hand, step by step, what IoctlServer does.
class PreloadProtocolTest : public PreloadTest {
 protected:
  void SetUp() override {
    PreloadTest::SetUp();
    if (IsSkipped()) return;
    world_ = {1, folder_.Path() + "/w"};
    std::filesystem::create_directories(world_.root + "/ioctl/dev/bus/usb/001");
    std::filesystem::create_directories(world_.root + "/dev/bus/usb/001");
    ASSERT_EQ(::mknod((world_.root + kNode).c_str(), S_IFREG | 0666, 0), 0);
    const sockaddr_un address = AddressOf(world_.root + "/ioctl" + kNode);
    listening_ = station::Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    Patience(listening_);
    ASSERT_EQ(::bind(listening_.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
    ASSERT_EQ(::listen(listening_.Get(), 1), 0);
  }
  void Accept() {
    connection_ = station::Fd(::accept(listening_.Get(), nullptr, nullptr));
    ASSERT_TRUE(connection_.Valid()) << kOtherProtocol;
    Patience(connection_);
  }
  PreloadMessage Expect(PreloadCommand command) {
    PreloadMessage message;
    EXPECT_TRUE(ReceiveExactly(connection_.Get(),
                               {reinterpret_cast<std::uint8_t*>(&message), sizeof message}))
        << kOtherProtocol;
    EXPECT_EQ(message.command, static_cast<std::uint64_t>(command)) << kOtherProtocol;
    return message;
  }
  static void Patience(const station::Fd& socket) {
    const timeval patience = {10, 0};
    ::setsockopt(socket.Get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }

  static constexpr const char* kNode = "/dev/bus/usb/001/002";
  World world_;
  station::Fd listening_;
  station::Fd connection_;
};

TEST_F(PreloadProtocolTest, IoctlWithMemoryThroughTheSocket_IsAsWeServeIt) {
  Client client(world_, {ProbePath(), "raw", kNode});
  Accept();
  const PreloadMessage message = Expect(PreloadCommand::kIoctl);
  EXPECT_EQ(message.first & 0xFFFFFFFFU, USBDEVFS_GET_CAPABILITIES) << kOtherProtocol;
  ClientMemory memory(connection_.Get(), 0);  // as if the kernel forbade the direct way
  const std::uint32_t capabilities = 0x1234;
  std::uint32_t back = 0;
  ASSERT_TRUE(memory.WriteValue(message.second, capabilities)) << kOtherProtocol;
  ASSERT_TRUE(memory.ReadValue(message.second, back)) << kOtherProtocol;
  EXPECT_EQ(back, capabilities) << kOtherProtocol;
  ASSERT_TRUE(SendMessage(connection_.Get(), PreloadCommand::kDone, 7, 0));
  EXPECT_THAT(client.ReadLine(), Optional(std::string("ioctl 7 1234"))) << kOtherProtocol;

  Expect(PreloadCommand::kIoctl);
  ASSERT_TRUE(
      SendMessage(connection_.Get(), PreloadCommand::kDone, static_cast<std::uint64_t>(-1), EPIPE));
  EXPECT_THAT(client.ReadLine(), Optional("error " + std::to_string(EPIPE))) << kOtherProtocol;

  Expect(PreloadCommand::kIoctl);
  ASSERT_TRUE(SendMessage(connection_.Get(), PreloadCommand::kRun, 0, 0));
  const PreloadMessage result = Expect(PreloadCommand::kResult);
  EXPECT_EQ(result.second, static_cast<std::uint64_t>(ENOTTY)) << kOtherProtocol;
  ASSERT_TRUE(SendMessage(connection_.Get(), PreloadCommand::kDone, result.first, result.second));
  EXPECT_THAT(client.ReadLine(), Optional("error " + std::to_string(ENOTTY))) << kOtherProtocol;

  const PreloadMessage read = Expect(PreloadCommand::kRead);
  EXPECT_EQ(read.second, 18U) << kOtherProtocol;
  ASSERT_TRUE(SendMessage(connection_.Get(), PreloadCommand::kDone, 0, 0));
  EXPECT_THAT(client.ReadLine(), Optional(std::string("read 0"))) << kOtherProtocol;
}

TEST_F(PreloadProtocolTest, DirectMemory_IsTheClients) {
  Client client(world_, {ProbePath(), "raw", kNode});
  Accept();
  const PreloadMessage message = Expect(PreloadCommand::kIoctl);
  ucred peer{};
  socklen_t size = sizeof peer;
  ASSERT_EQ(::getsockopt(connection_.Get(), SOL_SOCKET, SO_PEERCRED, &peer, &size), 0);
  ClientMemory memory(connection_.Get(), peer.pid);
  const std::uint32_t capabilities = 0x4321;
  EXPECT_TRUE(memory.WriteValue(message.second, capabilities));
  EXPECT_FALSE(memory.WriteValue(8, capabilities));  // nobody's address
  ASSERT_TRUE(SendMessage(connection_.Get(), PreloadCommand::kDone, 0, 0));
  EXPECT_THAT(client.ReadLine(), Optional(std::string("ioctl 0 4321")));
}

// Whatever a client sends, the next one is served.
TEST_F(BusTest, ClientsThatTalkNonsense_HarmNobody) {
  Attach("1-4.2", Recovery());
  const World world = MakeWorld();
  const std::string path = world.root + "/ioctl/dev/bus/usb/001/003";
  {
    const station::Fd unfinished = ConnectTo(path);
    EXPECT_EQ(::send(unfinished.Get(), "hello", 5, MSG_NOSIGNAL), 5);
  }
  const station::Fd unknown_command = ConnectTo(path);
  ASSERT_TRUE(SendMessage(unknown_command.Get(), static_cast<PreloadCommand>(0x4242), 1, 2));
  std::uint8_t byte = 0;
  EXPECT_FALSE(ReceiveExactly(unknown_command.Get(), {&byte, 1}));  // hung up on

  const station::Fd bad_pointers = ConnectTo(path);
  for (const unsigned long request :
       {USBDEVFS_SUBMITURB, USBDEVFS_CONTROL, USBDEVFS_BULK, USBDEVFS_CLAIMINTERFACE,
        USBDEVFS_GETDRIVER, USBDEVFS_SETINTERFACE, USBDEVFS_GET_CAPABILITIES}) {
    ASSERT_TRUE(SendMessage(bad_pointers.Get(), PreloadCommand::kIoctl, request, 16));
    PreloadMessage answer;
    ASSERT_TRUE(ReceiveExactly(bad_pointers.Get(),
                               {reinterpret_cast<std::uint8_t*>(&answer), sizeof answer}));
    EXPECT_EQ(answer.command, static_cast<std::uint64_t>(PreloadCommand::kDone));
    EXPECT_EQ(answer.second, static_cast<std::uint64_t>(EFAULT)) << request;
  }

  const station::Fd decent = ConnectTo(path);
  std::uint32_t capabilities = 0;
  ASSERT_TRUE(SendMessage(decent.Get(), PreloadCommand::kIoctl, USBDEVFS_GET_CAPABILITIES,
                          reinterpret_cast<std::uint64_t>(&capabilities)));
  PreloadMessage answer;
  ASSERT_TRUE(
      ReceiveExactly(decent.Get(), {reinterpret_cast<std::uint8_t*>(&answer), sizeof answer}));
  EXPECT_NE(capabilities, 0U);
}

TEST_F(BusTest, OpenFileOfAnUnpluggedDevice_SaysNoDevice) {
  Attach("1-4.2", Recovery());
  const World world = MakeWorld();
  const station::Fd file = ConnectTo(world.root + "/ioctl/dev/bus/usb/001/003");
  bus_.Detach(Port("1-4.2"));
  for (const unsigned long request :
       {USBDEVFS_GET_CAPABILITIES, USBDEVFS_REAPURBNDELAY, USBDEVFS_REAPURB, USBDEVFS_SUBMITURB}) {
    ASSERT_TRUE(SendMessage(file.Get(), PreloadCommand::kIoctl, request, 0));
    PreloadMessage answer;
    ASSERT_TRUE(
        ReceiveExactly(file.Get(), {reinterpret_cast<std::uint8_t*>(&answer), sizeof answer}));
    EXPECT_EQ(answer.second, static_cast<std::uint64_t>(ENODEV)) << request;
  }
}

}  // namespace
}  // namespace rack
