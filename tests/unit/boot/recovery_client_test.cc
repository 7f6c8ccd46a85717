#include "station/boot/recovery_client.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/boot/fake_control.h"

namespace station::boot {
namespace {

// What reached the phone; owned by the client under test, so it writes into the test's.
struct Heard {
  std::vector<std::string> commands;  // "0 setenv a b": request and text
  std::vector<std::size_t> packets;
  int upload_starts = 0;
  int pokes = 0;
  std::string answer;  // to the next read
  bool stalls_commands = false;
  int short_block = -1;  // this block is taken by half
};

class FakeIboot : public Transfers {
 public:
  explicit FakeIboot(Heard& heard) : heard_(heard) {}
  int Control(const ControlSetup& setup, std::span<std::uint8_t> data) override {
    if (setup.request_type == 0x41) return ++heard_.upload_starts, 0;
    if (setup.request_type == 0x21) return ++heard_.pokes, -9;  // nobody may care
    if (setup.request_type == 0xC0) {
      std::ranges::copy(heard_.answer, data.begin());
      return static_cast<int>(heard_.answer.size() + 1);
    }
    if (heard_.stalls_commands) return -9;
    EXPECT_EQ(data.back(), 0) << "commands end in NUL";
    heard_.commands.push_back(std::to_string(setup.request) + " " +
                              std::string(data.begin(), data.end() - 1));
    return static_cast<int>(data.size());
  }
  int BulkOut(std::uint8_t endpoint, std::span<const std::uint8_t> bytes,
              std::chrono::milliseconds) override {
    EXPECT_EQ(endpoint, 0x04);
    const bool cut = heard_.short_block == static_cast<int>(heard_.packets.size());
    heard_.packets.push_back(bytes.size());
    return static_cast<int>(cut ? bytes.size() / 2 : bytes.size());
  }
  void ResetPort() override {}

 private:
  Heard& heard_;
};

RecoveryClient ClientOf(Heard& heard) { return {std::make_unique<FakeIboot>(heard), BootInfo{}}; }

TEST(RecoveryUpload, GoesInBlocksAndEndsInAnEmptyPacketAfterWholePackets) {
  FakeControl control;
  Heard whole;
  ASSERT_TRUE(ClientOf(whole).Upload(SourceOf(std::vector<std::uint8_t>(0x8000 + 1024)), control));
  EXPECT_EQ(whole.packets, (std::vector<std::size_t>{0x8000, 1024, 0}));
  EXPECT_EQ(whole.upload_starts, 1);
  Heard odd;
  ASSERT_TRUE(ClientOf(odd).Upload(SourceOf(std::vector<std::uint8_t>(1025)), control));
  EXPECT_EQ(odd.packets, (std::vector<std::size_t>{1025}));
}

TEST(RecoveryUpload, WhatComesInPiecesIsCutIntoTheSameBlocks) {
  FakeControl control;
  Heard heard;
  const std::vector<std::uint8_t> piece(1000);
  const ByteSource source{100 * piece.size(), [&](const ByteSink& sink) -> Status {
                            for (int i = 0; i < 100; ++i) STATION_CHECK(sink(piece));
                            return {};
                          }};
  ASSERT_TRUE(ClientOf(heard).Upload(source, control));
  EXPECT_EQ(heard.packets, (std::vector<std::size_t>{0x8000, 0x8000, 0x8000, 100'000 - 0x18000}));
}

TEST(RecoveryUpload, ErrorOfTheSourceEndsTheUpload) {
  FakeControl control;
  Heard heard;
  const ByteSource rotted{0x10000, [&](const ByteSink& sink) -> Status {
                            STATION_CHECK(sink(std::vector<std::uint8_t>(0x9000)));
                            return Fail(ErrorCode::kFirmwareRotted, "rot");
                          }};
  const Status done = ClientOf(heard).Upload(rotted, control);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kFirmwareRotted);
  EXPECT_EQ(heard.packets, (std::vector<std::size_t>{0x8000}));
}

TEST(RecoveryUpload, ShortBlockFailsAndCancelStopsBetweenBlocks) {
  FakeControl control;
  Heard cut;
  cut.short_block = 1;
  const Status done = ClientOf(cut).Upload(SourceOf(std::vector<std::uint8_t>(0x18000)), control);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kRecoveryUpload);
  EXPECT_EQ(cut.packets.size(), 2U);
  Heard cancelled;
  control.CancelAfter(1);
  const Status ended =
      ClientOf(cancelled).Upload(SourceOf(std::vector<std::uint8_t>(0x18000)), control);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(cancelled.packets.size(), 1U);
}

TEST(RecoveryCommand, RefusalIsAnErrorExceptForCommandsThatDoNotReturn) {
  Heard heard;
  RecoveryClient client = ClientOf(heard);
  ASSERT_TRUE(client.Command("setenv auto-boot false"));
  client.CommandWithoutAnswer("go");
  EXPECT_EQ(heard.commands, (std::vector<std::string>{"0 setenv auto-boot false", "1 go"}));
  heard.stalls_commands = true;
  const Status refused = client.Command("ramdisk");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kRecoveryCommand);
  client.CommandWithoutAnswer("bootx");
  client.FinishPoke();
  EXPECT_EQ(heard.pokes, 1);
  EXPECT_FALSE(client.Command(std::string(256, 'x')));
}

TEST(RecoveryGetEnv, UnknownVariablesAreNothingWhicheverWayThePhoneSaysSo) {
  Heard heard;
  RecoveryClient client = ClientOf(heard);
  heard.answer = "iBoot-7459.102.4";
  EXPECT_EQ(client.GetEnv("build-version"), "iBoot-7459.102.4");
  heard.answer = "";
  EXPECT_EQ(client.GetEnv("no-such-thing"), std::nullopt);
  heard.stalls_commands = true;
  EXPECT_EQ(client.GetEnv("no-such-thing"), std::nullopt);
}

}  // namespace
}  // namespace station::boot
