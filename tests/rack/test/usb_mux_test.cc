// The device side of usbmux, spoken to as usbmuxd does, transfer by transfer (reference 1.6).

#include "tests/rack/mux/usb_mux.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace rack {
namespace {

using Bytes = std::vector<std::uint8_t>;
using namespace std::chrono_literals;

constexpr std::uint16_t kEcho = 7;
constexpr std::uint16_t kFlood = 19;
constexpr std::uint16_t kDiscard = 9;
constexpr std::size_t kPacket = 512;
constexpr std::uint8_t kSyn = UsbMuxSegment::kSyn;
constexpr std::uint8_t kAck = UsbMuxSegment::kAck;
constexpr std::uint8_t kReset = UsbMuxSegment::kReset;

struct Heard {
  UsbMuxSegment segment;
  Bytes payload;
};

// usbmuxd's part, as small as it can be.
class UsbMuxTest : public testing::Test {
 protected:
  UsbMuxTest() {
    attachment_->Serve(kEcho, [](const std::shared_ptr<Stream>& stream) {
      std::array<std::uint8_t, 4096> piece;
      while (const auto got = stream->ReadSome(piece)) {
        if (*got == 0 || !stream->Write(std::span(piece).first(*got))) return;
      }
    });
    attachment_->Serve(kFlood, [](const std::shared_ptr<Stream>& stream) {
      const Bytes much(1U << 20U, 0x55);
      stream->Write(much);
    });
    attachment_->Serve(kDiscard, [this](const std::shared_ptr<Stream>& stream) {
      while (!read_on_) std::this_thread::sleep_for(1ms);
      std::array<std::uint8_t, 65536> piece;
      while (const auto got = stream->ReadSome(piece)) {
        if (*got == 0) return;
        discarded_ += *got;
      }
    });
    mux_ = std::make_unique<UsbMux>(attachment_, UsbSpeed::kHigh480M, [] {});
  }
  ~UsbMuxTest() override {
    read_on_ = true;
    attachment_->End();
  }

  // A packet as a host sends it: closed by a zero-length one when it is full.
  void SendTransfer(const Bytes& bytes) {
    mux_->BulkOut(0x04, bytes);
    if (bytes.size() % kPacket == 0) mux_->BulkOut(0x04, {});
  }
  void Send(UsbMuxSegment segment) { SendTransfer(UsbMuxSegmentPacket({}, segment)); }

  // The next packet, whole; empty when none comes in time.
  Bytes Receive(std::chrono::milliseconds patience = 2s) {
    Bytes packet;
    const auto deadline = std::chrono::steady_clock::now() + patience;
    do {
      const Bytes piece = mux_->BulkIn(0x85, 16384);
      packet.insert(packet.end(), piece.begin(), piece.end());
      const std::size_t length =
          packet.size() < 8 ? 0 : std::size_t{packet[5]} << 16U | packet[6] << 8U | packet[7];
      if (length != 0 && packet.size() >= length) return packet;
      if (piece.empty()) std::this_thread::sleep_for(1ms);
    } while (std::chrono::steady_clock::now() < deadline);
    return packet;
  }
  std::optional<Heard> Hear(std::chrono::milliseconds patience = 2s) {
    const Bytes bytes = Receive(patience);
    const auto packet = ParseUsbMuxPacket(bytes);
    if (!packet || packet->protocol != UsbMuxProtocol::kTcp) return std::nullopt;
    const auto segment = ParseUsbMuxSegment(packet->body);
    if (!segment) return std::nullopt;
    return Heard{*segment, {segment->payload.begin(), segment->payload.end()}};
  }

  void Greet() {
    SendTransfer(UsbMuxVersionPacket({2, 0}));
    ASSERT_EQ(Receive(), UsbMuxVersionPacket({2, 0}));
    SendTransfer({0, 0, 0, 2, 0, 0, 0, 17, 0xFE, 0xED, 0xFA, 0xCE, 0, 0, 0xFF, 0xFF, 7});
  }
  void Connect(std::uint16_t source, std::uint16_t target, std::uint32_t window = 131072) {
    Send({.source = source, .target = target, .flags = kSyn, .window = window});
    const auto answer = Hear();
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->segment.flags, kSyn | kAck);
    ASSERT_EQ(answer->segment.sequence, 0U) << "the host never reads it";
    ASSERT_EQ(answer->segment.acknowledged, 1U);
    Send({.source = source, .target = target, .sequence = 1, .acknowledged = 1, .window = window});
  }

  std::atomic<bool> read_on_ = true;
  std::atomic<std::size_t> discarded_ = 0;
  std::shared_ptr<Attachment> attachment_ = std::make_shared<Attachment>();
  std::unique_ptr<UsbMux> mux_;
};

TEST_F(UsbMuxTest, WhatIsSentComesBack) {
  Greet();
  Connect(1, kEcho);
  const Bytes word = {'w', 'o', 'r', 'd'};
  Send({.source = 1,
        .target = kEcho,
        .sequence = 1,
        .acknowledged = 1,
        .window = 131072,
        .payload = word});
  Bytes back;
  while (back.size() < word.size()) {
    const auto heard = Hear();
    ASSERT_TRUE(heard);
    EXPECT_EQ(heard->segment.flags, kAck);
    EXPECT_EQ(heard->segment.acknowledged, 5U);
    back.insert(back.end(), heard->payload.begin(), heard->payload.end());
  }
  EXPECT_EQ(back, word);
}

TEST_F(UsbMuxTest, NobodyBehindThePort_IsRefused) {
  Greet();
  Send({.source = 1, .target = 4, .flags = kSyn, .window = 131072});
  const auto answer = Hear();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->segment.flags, kReset);
  EXPECT_EQ(answer->segment.target, 1);
}

TEST_F(UsbMuxTest, BeforeTheSetup_NothingIsAnswered) {
  Send({.source = 1, .target = kEcho, .flags = kSyn, .window = 131072});
  EXPECT_TRUE(Receive(50ms).empty());
}

TEST_F(UsbMuxTest, TheHostsWindowIsKept_AndTheEndIsAResetAfterAllData) {
  constexpr std::uint32_t kWindow = 65536;
  Greet();
  Connect(1, kFlood, kWindow);
  std::uint32_t got = 0;
  std::uint32_t acknowledged = 0;
  while (got < 1U << 20U) {
    auto heard = Hear(acknowledged < got ? 50ms : 2000ms);
    if (heard) {
      ASSERT_EQ(heard->segment.flags, kAck);
      ASSERT_EQ(heard->segment.sequence, got + 1);
      got += static_cast<std::uint32_t>(heard->payload.size());
      ASSERT_LE(got - acknowledged, kWindow);
      continue;
    }
    ASSERT_EQ(got - acknowledged, kWindow) << "it stops only at the window";
    acknowledged = got;
    Send(
        {.source = 1, .target = kFlood, .sequence = 1, .acknowledged = got + 1, .window = kWindow});
  }
  Send({.source = 1, .target = kFlood, .sequence = 1, .acknowledged = got + 1, .window = kWindow});
  const auto end = Hear();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->segment.flags, kReset);
}

TEST_F(UsbMuxTest, AServiceThatDoesNotRead_ShutsItsWindow_AndOpensItAgain) {
  read_on_ = false;
  Greet();
  Connect(1, kDiscard);
  const Bytes piece(40000, 0x77);
  std::uint32_t sent = 0;
  std::uint32_t window = 131072;
  for (int turn = 0; turn < 200 && window >= piece.size(); ++turn) {
    Send({.source = 1,
          .target = kDiscard,
          .sequence = 1 + sent,
          .acknowledged = 1,
          .window = 131072,
          .payload = piece});
    sent += static_cast<std::uint32_t>(piece.size());
    const auto heard = Hear();
    ASSERT_TRUE(heard);
    ASSERT_EQ(heard->segment.acknowledged, sent + 1);
    window = heard->segment.window;
  }
  ASSERT_LT(window, piece.size()) << "it would take anything";
  read_on_ = true;
  const auto open = Hear();
  ASSERT_TRUE(open) << "the host has to hear that there is room again";
  EXPECT_GE(open->segment.window, piece.size());
}

TEST_F(UsbMuxTest, MoreThanTheWindow_IsAReset) {
  read_on_ = false;
  Greet();
  Connect(1, kDiscard);
  const Bytes piece(60000, 0x77);
  std::uint32_t sent = 0;
  std::optional<Heard> heard;
  for (int turn = 0; turn < 200; ++turn) {
    Send({.source = 1,
          .target = kDiscard,
          .sequence = 1 + sent,
          .acknowledged = 1,
          .window = 131072,
          .payload = piece});
    sent += static_cast<std::uint32_t>(piece.size());
    heard = Hear();
    ASSERT_TRUE(heard);
    if (heard->segment.flags == kReset) break;
  }
  EXPECT_EQ(heard->segment.flags, kReset);
}

TEST_F(UsbMuxTest, AFullPacketWithoutItsZeroLengthPacket_TakesTheNextOneWithIt) {
  Greet();
  Connect(1, kEcho);
  const Bytes full(kPacket - 36, 0x11);
  mux_->BulkOut(0x04, UsbMuxSegmentPacket({}, {.source = 1,
                                               .target = kEcho,
                                               .sequence = 1,
                                               .acknowledged = 1,
                                               .window = 131072,
                                               .payload = full}));
  EXPECT_TRUE(Receive(50ms).empty()) << "the transfer has not ended";
  Send({.source = 1, .target = kEcho, .sequence = 1, .acknowledged = 1, .window = 131072});
  EXPECT_TRUE(Receive(50ms).empty()) << "two packets in one transfer are none";
}

struct Broken {
  const char* name;
  UsbMuxSegment segment;
};

TEST_F(UsbMuxTest, WhatBreaksTheRules_EndsTheConnection) {
  static const Bytes kByte = {1};
  const Broken rows[] = {
      {"out of order",
       {.source = 1,
        .target = kEcho,
        .sequence = 9,
        .acknowledged = 1,
        .window = 131072,
        .payload = kByte}},
      {"acknowledges what was not sent",
       {.source = 1, .target = kEcho, .sequence = 1, .acknowledged = 99, .window = 131072}},
  };
  for (const Broken& row : rows) {
    SCOPED_TRACE(row.name);
    ASSERT_NO_FATAL_FAILURE(Greet());
    ASSERT_NO_FATAL_FAILURE(Connect(1, kEcho));
    Send(row.segment);
    const auto answer = Hear();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->segment.flags, kReset);
  }
}

TEST_F(UsbMuxTest, ANewVersionPacket_EndsWhatTheOldHostHad) {
  Greet();
  Connect(1, kEcho);
  Greet();  // usbmuxd was killed and is back: it counts its ports from 1 again
  Connect(1, kEcho);
  const Bytes word = {'x'};
  Send({.source = 1,
        .target = kEcho,
        .sequence = 1,
        .acknowledged = 1,
        .window = 131072,
        .payload = word});
  const auto heard = Hear();
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->segment.acknowledged, 2U);
}

TEST_F(UsbMuxTest, NonsenseIsDropped) {
  Greet();
  for (const Bytes& bytes :
       {Bytes{}, Bytes{1, 2, 3}, Bytes(64, 0xFF), Bytes(20, 0), Bytes{0, 0, 0, 6, 0, 0, 0, 9, 1}})
    SendTransfer(bytes);
  EXPECT_TRUE(Receive(50ms).empty());
  ASSERT_NO_FATAL_FAILURE(Greet());
  Connect(1, kEcho);
}

TEST_F(UsbMuxTest, AfterThePlugIsOut_AllServicesEnd) {
  Greet();
  Connect(1, kEcho);
  mux_->End();
  attachment_->End();
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  while (!mux_->Finished() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(1ms);
  EXPECT_TRUE(mux_->Finished());
  EXPECT_FALSE(mux_->BulkOut(0x04, Bytes{1}));
}

}  // namespace
}  // namespace rack
