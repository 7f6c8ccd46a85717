// The system image over ASR, towards a phone that asks as the script says.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <thread>

#include "firmware_world.h"
#include "station/base/digest.h"
#include "station/restore/asr.h"

namespace station::restore {
namespace {

using testing::Bytes;

constexpr std::size_t kChunk = store::kAsrChunk;
constexpr std::size_t kDigest = 20;

Bytes Content(std::size_t size) {
  Bytes content(size);
  for (std::size_t i = 0; i < size; ++i)
    content[i] = static_cast<std::uint8_t>(i * 31 + i / 4099 + (i >> 16U));
  return content;
}

class Watched final : public JobControl {
 public:
  void Progress(double, std::uint64_t done, std::uint64_t total) override {
    done_ = done;
    total_ = total;
  }
  Status KeepGoing() override {
    return cancelled_ ? Fail(ErrorCode::kCancelled, "cancelled") : Status();
  }
  Status Pause(std::chrono::milliseconds) override { return KeepGoing(); }
  std::atomic<bool> cancelled_{false};
  std::uint64_t done_ = 0;
  std::uint64_t total_ = 0;
};

// The phone's end of the connection.
class Phone {
 public:
  explicit Phone(Fd fd) : fd_(std::move(fd)) {}
  void Ask(const std::string& content) const {
    const std::string text =
        "<?xml version=\"1.0\"?>\n<plist version=\"1.0\"><dict>" + content + "</dict></plist>\n";
    Say(text);
  }
  void Say(const std::string& text) const {
    (void)WriteAll(fd_, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
  void AskRange(std::uint64_t offset, std::uint64_t length) const {
    Ask("<key>Command</key><string>OOBData</string><key>OOB Offset</key><integer>" +
        std::to_string(offset) + "</integer><key>OOB Length</key><integer>" +
        std::to_string(length) + "</integer>");
  }
  // Fewer only where the host closed.
  [[nodiscard]] Bytes Read(std::size_t size) const {
    Bytes bytes(size);
    std::size_t done = 0;
    while (done < size) {
      const ssize_t got = ::recv(fd_.Get(), bytes.data() + done, size - done, 0);
      if (got <= 0) break;
      done += static_cast<std::size_t>(got);
    }
    bytes.resize(done);
    return bytes;
  }
  [[nodiscard]] plist::Plist Initiate(bool checksums) const {
    Ask(std::string("<key>Command</key><string>Initiate</string>") +
        (checksums ? "<key>Checksum Chunks</key><true/>" : ""));
    std::string text;
    while (!text.ends_with("</plist>\n")) {
      const Bytes next = Read(1);
      if (next.empty()) return plist::Plist::Dict();
      text.push_back(static_cast<char>(next[0]));
    }
    return testing::ParseXml(text);
  }
  void AskPayload() const { Ask("<key>Command</key><string>Payload</string>"); }
  [[nodiscard]] Bytes ReadToEnd() const {
    Bytes all;
    for (Bytes more = Read(kChunk); !more.empty(); more = Read(kChunk))
      all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  void Leave() { fd_ = Fd(); }
  void AwaitHangUp() const {
    pollfd wait{fd_.Get(), 0, 0};
    (void)::poll(&wait, 1, 20000);
  }

 private:
  Fd fd_;
};

// One image between two other members, so that it does not begin where the file does.
struct World {
  explicit World(const Bytes& content)
      : reader(testing::MakeReader({{"a", Bytes(777, 1)}, {"os.dmg", content}, {"z", Bytes(99, 2)}},
                                   {"os.dmg"})),
        image(reader.OpenImage("os.dmg").value()) {}

  Status Run(const std::function<void(Phone&)>& phone) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    Fd host(ends[0]);
    ::fcntl(host.Get(), F_SETFL, O_NONBLOCK);  // as connections through usbmuxd are
    std::jthread script([&phone, fd = ends[1]] {
      Phone other{Fd(fd)};
      phone(other);
    });
    return StreamSystemImage(
        [&](std::uint16_t port) -> Result<device::Connection> {
          EXPECT_EQ(port, kAsrPort);
          return device::Connection(std::move(host));
        },
        kAsrPort, image, control);
  }
  void Flip(std::uint64_t at) const {
    std::uint8_t byte = 0;
    const auto place = static_cast<off_t>(image.Offset() + at);
    EXPECT_EQ(::pread(image.Descriptor(), &byte, 1, place), 1);
    byte ^= 1U;
    EXPECT_EQ(::pwrite(image.Descriptor(), &byte, 1, place), 1);
  }

  store::FirmwareReader reader;
  store::Image image;
  Watched control;
};

ErrorCode CodeOf(const Status& status) { return status ? ErrorCode::kNone : status.error().code; }

class AsrSizes : public ::testing::TestWithParam<std::size_t> {};

TEST_P(AsrSizes, WithChecksums_EveryChunkIsFollowedByItsSha1) {
  const Bytes content = Content(GetParam());
  World world(content);
  Bytes seen;
  ASSERT_TRUE(world.Run([&](Phone& phone) {
    const auto info = phone.Initiate(true);
    EXPECT_EQ(info["Checksum Chunk Size"].Integer(), kChunk);
    EXPECT_EQ(info["Payload"]["Size"].Integer(), content.size());
    phone.AskPayload();
    seen = phone.ReadToEnd();
  }));
  Bytes expected;
  for (std::size_t at = 0; at < content.size(); at += kChunk) {
    const auto chunk = std::span(content).subspan(at, std::min(kChunk, content.size() - at));
    const Sha1Digest digest = Sha1Of(chunk);
    expected.insert(expected.end(), chunk.begin(), chunk.end());
    expected.insert(expected.end(), digest.begin(), digest.end());
  }
  EXPECT_TRUE(seen == expected) << seen.size() << " of " << expected.size();
  EXPECT_EQ(world.control.done_, content.size());
  EXPECT_EQ(world.control.total_, content.size());
}

TEST_P(AsrSizes, WithoutChecksums_TheBytesAlone) {
  const Bytes content = Content(GetParam());
  World world(content);
  Bytes seen;
  ASSERT_TRUE(world.Run([&](Phone& phone) {
    EXPECT_FALSE(phone.Initiate(false)["Checksum Chunk Size"].Present());
    phone.AskPayload();
    seen = phone.ReadToEnd();
  }));
  EXPECT_TRUE(seen == content) << seen.size();
  EXPECT_EQ(world.control.done_, content.size());
}
INSTANTIATE_TEST_SUITE_P(Bytes, AsrSizes,
                         ::testing::Values(1, kChunk - 1, kChunk, kChunk + 1, 9'000'001));

// Phones ask first without and turn checksums on with a second question (restore-protocol 7).
TEST(Asr, TheLastInitiateCounts) {
  World world(Content(kChunk));
  Bytes seen;
  ASSERT_TRUE(world.Run([&](Phone& phone) {
    EXPECT_FALSE(phone.Initiate(false)["Checksum Chunk Size"].Present());
    EXPECT_TRUE(phone.Initiate(true)["Checksum Chunk Size"].Present());
    phone.AskPayload();
    seen = phone.ReadToEnd();
  }));
  EXPECT_EQ(seen.size(), kChunk + kDigest);
}

TEST(Asr, RangesBeforeTheImage) {
  const std::size_t size = 5 * kChunk + 1234;
  const Bytes content = Content(size);
  World world(content);
  ASSERT_TRUE(world.Run([&](Phone& phone) {
    (void)phone.Initiate(true);
    for (const auto& [offset, length] : {std::pair<std::size_t, std::size_t>{size - 512, 512},
                                         {0, 72},
                                         {kChunk - 1, 2},
                                         {kChunk, kChunk},
                                         {1000, 3 * kChunk},
                                         {size, 0},
                                         {0, size}}) {
      phone.AskRange(offset, length);
      const Bytes wanted(content.begin() + static_cast<std::ptrdiff_t>(offset),
                         content.begin() + static_cast<std::ptrdiff_t>(offset + length));
      EXPECT_TRUE(phone.Read(length) == wanted) << offset << "+" << length;
    }
    phone.AskPayload();
    (void)phone.ReadToEnd();
  }));
}

TEST(Asr, RangesBeyondTheImageAreRefused) {
  constexpr auto kMost = ~std::uint64_t{0};
  for (const auto& [offset, length] : {std::pair<std::uint64_t, std::uint64_t>{kChunk + 1, 0},
                                       {kChunk, 1},
                                       {1, kChunk},
                                       {kMost, 2},
                                       {2, kMost}}) {
    World world(Content(kChunk));
    const auto done = world.Run([&, offset = offset, length = length](Phone& phone) {
      (void)phone.Initiate(true);
      phone.AskRange(offset, length);
      EXPECT_TRUE(phone.ReadToEnd().empty());
    });
    EXPECT_EQ(CodeOf(done), ErrorCode::kAsrRange) << offset << "+" << length;
  }
}

struct Question {
  const char* name;
  std::string text;
};
class BadQuestions : public ::testing::TestWithParam<Question> {};
TEST_P(BadQuestions, EndTheTransfer) {
  World world(Content(kChunk));
  const auto done = world.Run([&](Phone& phone) {
    phone.Say(GetParam().text);
    (void)phone.ReadToEnd();
  });
  EXPECT_FALSE(done);
  EXPECT_TRUE(CodeOf(done) == ErrorCode::kAsrTransfer || CodeOf(done) == ErrorCode::kAsrRange)
      << Name(CodeOf(done));
}
INSTANTIATE_TEST_SUITE_P(
    Rows, BadQuestions,
    ::testing::Values(
        Question{"unknown",
                 "<plist><dict><key>Command</key><string>Format</string></dict></plist>\n"},
        Question{"none", "<plist><dict/></plist>\n"}, Question{"no_list", "rubbish </plist>\n"},
        Question{"endless", std::string(200'000, ' ')},
        Question{"range_without_offset",
                 "<plist><dict><key>Command</key><string>OOBData</string><key>OOB Length</key>"
                 "<integer>1</integer></dict></plist>\n"},
        Question{"range_of_text",
                 "<plist><dict><key>Command</key><string>OOBData</string><key>OOB Length</key>"
                 "<string>1</string><key>OOB Offset</key><string>1</string></dict></plist>\n"}),
    [](const auto& row) { return std::string(row.param.name); });

// The digest that is sent is the import's, so the phone finds the rot.
TEST(AsrRot, WithChecksums_ThePhoneCanTell) {
  World world(Content(3 * kChunk));
  world.Flip(kChunk + 5);
  Bytes seen;
  ASSERT_TRUE(world.Run([&](Phone& phone) {
    (void)phone.Initiate(true);
    phone.AskPayload();
    seen = phone.ReadToEnd();
  }));
  ASSERT_EQ(seen.size(), 3 * (kChunk + kDigest));
  for (std::size_t i = 0; i < 3; ++i) {
    const auto chunk = std::span(seen).subspan(i * (kChunk + kDigest), kChunk + kDigest);
    const bool agrees = std::ranges::equal(Sha1Of(chunk.first(kChunk)), chunk.subspan(kChunk));
    EXPECT_EQ(agrees, i != 1) << i;
  }
}

TEST(AsrRot, WithoutChecksums_TheHostStopsBeforeTheChunk) {
  World world(Content(3 * kChunk));
  world.Flip(2 * kChunk - 1);
  Bytes seen;
  const auto done = world.Run([&](Phone& phone) {
    (void)phone.Initiate(false);
    phone.AskPayload();
    seen = phone.ReadToEnd();
  });
  EXPECT_EQ(CodeOf(done), ErrorCode::kFirmwareRotted);
  EXPECT_EQ(seen.size(), kChunk);
}

TEST(AsrRot, ARangeIsVerified) {
  World world(Content(3 * kChunk));
  world.Flip(kChunk);
  const auto done = world.Run([&](Phone& phone) {
    (void)phone.Initiate(true);
    phone.AskRange(kChunk + 1000, 1);
    EXPECT_TRUE(phone.ReadToEnd().empty());
  });
  EXPECT_EQ(CodeOf(done), ErrorCode::kFirmwareRotted);
}

TEST(AsrRot, AFileCutShortIsNoSilence) {
  World world(Content(3 * kChunk));
  ASSERT_EQ(::ftruncate(world.image.Descriptor(),
                        static_cast<off_t>(world.image.Offset() + kChunk + 100)),
            0);
  Bytes seen;
  const auto done = world.Run([&](Phone& phone) {
    (void)phone.Initiate(true);
    phone.AskPayload();
    seen = phone.ReadToEnd();
  });
  EXPECT_EQ(CodeOf(done), ErrorCode::kFirmwareRotted);
  EXPECT_LE(seen.size(), kChunk + kDigest + 100);
}

class BothWays : public ::testing::TestWithParam<bool> {};
TEST_P(BothWays, PhoneThatLeavesInMidImageEndsTheTransfer) {
  std::signal(SIGPIPE, SIG_IGN);       // as the worker does
  World world(Content(256 * kChunk));  // more than any socket holds
  const auto done = world.Run([&](Phone& phone) {
    (void)phone.Initiate(GetParam());
    phone.AskPayload();
    (void)phone.Read(kChunk);
    phone.Leave();
  });
  EXPECT_EQ(CodeOf(done), ErrorCode::kAsrTransfer);
}

TEST_P(BothWays, CancelIsHeardWhileThePhoneTakesNothing) {
  World world(Content(256 * kChunk));
  const auto done = world.Run([&](Phone& phone) {
    (void)phone.Initiate(GetParam());
    phone.AskPayload();
    (void)phone.Read(kChunk);
    world.control.cancelled_ = true;
    phone.AwaitHangUp();
  });
  EXPECT_EQ(CodeOf(done), ErrorCode::kCancelled);
}
INSTANTIATE_TEST_SUITE_P(Checksums, BothWays, ::testing::Bool());

TEST(Asr, PhoneThatLeavesBeforeTheImage) {
  World world(Content(kChunk));
  EXPECT_EQ(CodeOf(world.Run([&](Phone& phone) { (void)phone.Initiate(true); })),
            ErrorCode::kAsrTransfer);
}

}  // namespace
}  // namespace station::restore
