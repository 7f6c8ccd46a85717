// Transfers and their failures, as a plain libusb program sees them.

#include <gmock/gmock.h>

#include <future>

#include "tests/rack/usb/test/bus_test.h"

namespace rack {
namespace {

using testing::HasSubstr;
using testing::Optional;

class TransferTest : public PreloadTest {
 protected:
  std::string Probe(const World& world, std::vector<std::string> words) {
    words.insert(words.begin(), ProbePath());
    return RunClient(world, std::move(words));
  }
};

// The phone's side of a transfer, held up until let go.
class Latch {
 public:
  void Hold() { opened_.get_future().wait(); }
  void Open() { opened_.set_value(); }

 private:
  std::promise<void> opened_;
};

TEST_F(TransferTest, BigUpload_ArrivesWholeInOneTransferPerBlock) {
  const auto phone = Attach("1-4.2", Recovery());
  const World world = MakeWorld();
  const std::string said = Probe(world, {"upload", "1-4.2", "16777216"});
  EXPECT_THAT(said, HasSubstr("uploaded 16777216"));
  EXPECT_EQ(phone->Look().received.size(), 16777216U);
  EXPECT_EQ(phone->Look().blocks, 16777216 / 0x8000);
}

TEST_F(TransferTest, TransferOfAMegabyte_IsNotCutUp) {
  const auto phone = Attach("1-4.2", Recovery());
  const World world = MakeWorld();
  EXPECT_THAT(Probe(world, {"upload", "1-4.2", "3145728", "1048576"}), HasSubstr("uploaded"));
  EXPECT_EQ(phone->Look().blocks, 3);
}

TEST_F(TransferTest, RefusedBlock_IsAStall) {
  const auto phone = std::make_shared<ScriptedPhone>();
  phone->on_bulk_out = [](std::size_t before) { return before < 2 * 0x8000; };
  Attach("1-4.2", Recovery(), phone);
  const World world = MakeWorld();
  EXPECT_THAT(Probe(world, {"upload", "1-4.2", "1000000"}),
              HasSubstr("failed LIBUSB_ERROR_PIPE at 65536 sent 0"));
}

TEST_F(TransferTest, RefusedCommand_IsAStall) {
  const auto phone = std::make_shared<ScriptedPhone>();
  phone->on_control = [](const SetupPacket&) { return std::nullopt; };
  Attach("1-4.2", Recovery(), phone);
  EXPECT_THAT(Probe(MakeWorld(), {"command", "1-4.2", "go"}),
              HasSubstr("command LIBUSB_ERROR_PIPE"));
}

TEST_F(TransferTest, BulkOutWithoutAClaim_IsRefusedAndNeverReachesThePhone) {
  const auto phone = Attach("1-4.2", Recovery());
  EXPECT_THAT(Probe(MakeWorld(), {"upload", "1-4.2", "1000", "1000", "noclaim"}),
              HasSubstr("failed LIBUSB_ERROR"));
  EXPECT_EQ(phone->Look().received, "");
}

TEST_F(TransferTest, UnplugInMidTransfer_EndsItAtOnce) {
  Latch latch;
  const auto phone = std::make_shared<ScriptedPhone>();
  phone->on_bulk_out = [&](std::size_t before) {
    if (before == 3 * 0x8000) latch.Hold();
    return true;
  };
  Attach("1-4.2", Recovery(), phone);
  const World world = MakeWorld();
  Client client(world, {ProbePath(), "upload", "1-4.2", "1000000"});
  ASSERT_TRUE(
      phone->WaitUntil([](const auto& seen) { return seen.received.size() == 4 * 0x8000; }));
  bus_.Detach(Port("1-4.2"));
  EXPECT_THAT(client.ReadLineStarting("failed"),
              Optional(HasSubstr("LIBUSB_ERROR_NO_DEVICE at 98304")));
  latch.Open();
  EXPECT_EQ(client.Wait(), 3);
}

TEST_F(TransferTest, UnplugWhileReading_EndsIt) {
  const auto phone = Attach("1-4.2", Recovery());
  const World world = MakeWorld();
  Client client(world, {ProbePath(), "read", "1-4.2", "20000"});
  ASSERT_TRUE(phone->WaitUntil([](const auto& seen) { return seen.reads > 0; }));
  bus_.Detach(Port("1-4.2"));
  EXPECT_THAT(client.ReadLineStarting("read"), Optional(HasSubstr("LIBUSB_ERROR_NO_DEVICE")));
}

TEST_F(TransferTest, ReadWithoutData_TimesOutAtTheHost) {
  Attach("1-4.2", Recovery());
  EXPECT_THAT(Probe(MakeWorld(), {"read", "1-4.2", "100"}), HasSubstr("LIBUSB_ERROR_TIMEOUT 0"));
}

TEST_F(TransferTest, DataThatComesLater_EndsTheRead) {
  const auto phone = Attach("1-4.2", Recovery());
  const World world = MakeWorld();
  Client client(world, {ProbePath(), "read", "1-4.2", "20000"});
  ASSERT_TRUE(phone->WaitUntil([](const auto& seen) { return seen.reads > 0; }));
  phone->SetInData("console");
  bus_.DataReady(Port("1-4.2"));
  EXPECT_THAT(client.ReadLineStarting("read"), Optional(HasSubstr("SUCCESS")));
}

TEST_F(TransferTest, DfuDownload_ThenResetReenumeratesFromWithinTheReset) {
  const auto phone = std::make_shared<ScriptedPhone>();
  phone->on_control = [](const SetupPacket& setup) {
    return setup.request == 3 ? ScriptedPhone::Bytes{0, 0, 0, 0, 5, 0} : ScriptedPhone::Bytes{};
  };
  Latch attached;
  phone->on_reset = [&] {
    bus_.Detach(Port("1-4.2"));  // from here on the client's reset has failed, and it may go on
    Attach("1-4.2", Recovery());
    attached.Open();
  };
  Attach("1-4.2", Dfu(), phone);
  const World world = MakeWorld();
  const std::string said = Probe(world, {"dfu", "1-4.2", "5000"});
  EXPECT_THAT(said, HasSubstr("final state 5"));
  EXPECT_THAT(said, HasSubstr("reset LIBUSB_ERROR_NOT_FOUND"));
  std::string image;
  for (const auto& [setup, data] : phone->Look().controls)
    if (setup.request == 1) image += data;
  EXPECT_EQ(image.size(), 5000U);
  attached.Hold();
  EXPECT_THAT(Probe(world, {"list"}), HasSubstr("05ac:1281"));
}

TEST_F(TransferTest, ClientKilledInMidTransfer_LeavesThePhoneToTheNext) {
  Latch latch;
  const auto phone = std::make_shared<ScriptedPhone>();
  phone->on_bulk_out = [&](std::size_t before) {
    if (before == 0) latch.Hold();
    return true;
  };
  Attach("1-4.2", Recovery(), phone);
  const World world = MakeWorld();
  Client client(world, {ProbePath(), "upload", "1-4.2", "1000000"});
  ASSERT_TRUE(phone->WaitUntil([](const auto& seen) { return !seen.received.empty(); }));
  client.Kill();
  EXPECT_EQ(client.Wait(), 128 + 9);
  latch.Open();
  EXPECT_THAT(Probe(world, {"upload", "1-4.2", "1000000"}), HasSubstr("uploaded 1000000"));
}

TEST_F(TransferTest, InterfaceHeldByAnotherProgram_IsBusyAlsoInAnotherWorld) {
  const auto phone = Attach("1-4.2", Recovery());
  const World one = MakeWorld();
  const World other = MakeWorld();
  Client holder(one, {ProbePath(), "read", "1-4.2", "20000"});
  ASSERT_TRUE(phone->WaitUntil([](const auto& seen) { return seen.reads > 0; }));
  EXPECT_THAT(Probe(other, {"read", "1-4.2", "100"}), HasSubstr("claim -6"));
}

// A world each: two programs that start in one world at the same moment may bind the same monitor
// socket, and libusb_init of one fails.
TEST_F(TransferTest, ManyClientsAtOnce_EachReachesItsOwnPhone) {
  constexpr int kPhones = 8;
  std::vector<std::shared_ptr<ScriptedPhone>> phones;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 1; i <= kPhones; ++i)
    phones.push_back(Attach("1-4." + std::to_string(i), Recovery()));
  for (int i = 1; i <= kPhones; ++i)
    clients.push_back(std::make_unique<Client>(
        MakeWorld(), std::vector<std::string>{ProbePath(), "upload", "1-4." + std::to_string(i),
                                              std::to_string(1000000 + i)}));
  for (const auto& client : clients) EXPECT_THAT(client->ReadAll(), HasSubstr("uploaded"));
  for (int i = 1; i <= kPhones; ++i)
    EXPECT_EQ(phones[static_cast<std::size_t>(i - 1)]->Look().received.size(),
              static_cast<std::size_t>(1000000 + i));
}

}  // namespace
}  // namespace rack
