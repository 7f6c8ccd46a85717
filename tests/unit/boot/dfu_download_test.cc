#include "station/boot/dfu_download.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "tests/unit/boot/fake_control.h"

namespace station::boot {
namespace {

using Bytes = std::vector<std::uint8_t>;

// A boot ROM's DFU as restore-protocol 2.6 describes it, with knobs for what can go wrong.
class FakeRom : public Transfers {
 public:
  DfuState state = DfuState::kIdle;
  int busy_polls = 0;           // after each block it says "busy" that often
  std::uint32_t poll_time = 0;  // what it then asks the host to wait, in milliseconds
  int refuse_block = -1;        // answers this one with an error
  bool sticks = false;          // ABORT and CLRSTATUS do not help
  bool cuts_last_status = false;
  std::string story;  // one letter per transfer
  std::vector<std::pair<std::uint16_t, std::size_t>> blocks;
  Bytes received;
  bool reset = false;

  int Control(const ControlSetup& setup, std::span<std::uint8_t> data) override {
    EXPECT_LE(data.size(), kDfuBlock);
    if (setup.request_type == 0xA1 && setup.request == 5) return GetState(data);
    if (setup.request_type == 0xA1 && setup.request == 3) return GetStatus(data);
    if (setup.request_type != 0x21) return -9;
    switch (setup.request) {
      case 1:
        return Dnload(setup.value, data);
      case 4:
        story += 'c';
        break;
      case 6:
        story += 'a';
        break;
      default:
        return -9;
    }
    if (!sticks) state = DfuState::kIdle;
    return 0;
  }
  int BulkOut(std::uint8_t, std::span<const std::uint8_t>, std::chrono::milliseconds) override {
    return -9;
  }
  void ResetPort() override { reset = true; }

 private:
  int GetState(std::span<std::uint8_t> data) {
    story += 's';
    data[0] = static_cast<std::uint8_t>(state);
    return 1;
  }
  int GetStatus(std::span<std::uint8_t> data) {
    story += 'S';
    if (state == DfuState::kManifestSync) {
      state = DfuState::kManifest;
    } else if (state == DfuState::kManifest) {
      state = DfuState::kManifestWaitReset;
      if (cuts_last_status) return -4;
    } else if (state == DfuState::kDownloadSync || state == DfuState::kDownloadBusy) {
      state = polls_left_-- > 0 ? DfuState::kDownloadBusy : DfuState::kDownloadIdle;
    }
    const Bytes answer = {std::uint8_t(state == DfuState::kError ? 3 : 0),
                          std::uint8_t(poll_time),
                          std::uint8_t(poll_time >> 8),
                          std::uint8_t(poll_time >> 16),
                          static_cast<std::uint8_t>(state),
                          0};
    std::ranges::copy(answer, data.begin());
    return static_cast<int>(answer.size());
  }
  int Dnload(std::uint16_t number, std::span<std::uint8_t> data) {
    story += data.empty() ? 'Z' : 'D';
    blocks.emplace_back(number, data.size());
    received.insert(received.end(), data.begin(), data.end());
    polls_left_ = busy_polls;
    state = data.empty()             ? DfuState::kManifestSync
            : number == refuse_block ? DfuState::kError
                                     : DfuState::kDownloadSync;
    return static_cast<int>(data.size());
  }
  int polls_left_ = 0;
};

Bytes File(std::size_t size) {
  Bytes file(size);
  for (std::size_t i = 0; i < size; ++i) file[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  return file;
}

Bytes SuffixOf(const Bytes& file) {
  DfuSuffix suffix;
  suffix.Add(std::span(file).first(file.size() / 3));
  suffix.Add(std::span(file).subspan(file.size() / 3));
  const auto bytes = suffix.Bytes();
  return {bytes.begin(), bytes.end()};
}

TEST(DfuSuffixBytes, EndInTheUninvertedChecksumOfAllBeforeThem) {
  const Bytes file = File(5000);
  const Bytes suffix = SuffixOf(file);
  ASSERT_EQ(suffix.size(), kDfuSuffixSize);
  EXPECT_EQ(Bytes(suffix.begin(), suffix.begin() + 12),
            (Bytes{0xFF, 0xFF, 0xFF, 0xFF, 0xAC, 0x05, 0x00, 0x01, 'U', 'F', 'D', 0x10}));
  auto crc = ::crc32(0, file.data(), static_cast<uInt>(file.size()));
  crc = ::crc32(crc, suffix.data(), 12) ^ 0xFFFFFFFFU;
  EXPECT_EQ(std::uint32_t{suffix[12]} | suffix[13] << 8U | suffix[14] << 16U |
                std::uint32_t{suffix[15]} << 24U,
            crc);
}

struct SizeRow {
  const char* name;
  std::size_t size;
  const char* story;
  std::vector<std::pair<std::uint16_t, std::size_t>> blocks;
};
void PrintTo(const SizeRow& row, std::ostream* out) { *out << row.name; }

class DfuSizes : public testing::TestWithParam<SizeRow> {};

TEST_P(DfuSizes, ArriveWholeWithTheSuffixAndAreStarted) {
  FakeRom rom;
  FakeControl control;
  const Bytes file = File(GetParam().size);
  ASSERT_TRUE(DownloadAndStart(rom, SourceOf(file), control));
  Bytes expected = file;
  const Bytes suffix = SuffixOf(file);
  expected.insert(expected.end(), suffix.begin(), suffix.end());
  EXPECT_EQ(rom.received, expected);
  EXPECT_EQ(rom.story, GetParam().story);
  EXPECT_EQ(rom.blocks, GetParam().blocks);
  EXPECT_EQ(rom.state, DfuState::kManifestWaitReset);
  EXPECT_TRUE(rom.reset);
  EXPECT_DOUBLE_EQ(control.Fraction(), 1.0);
}

INSTANTIATE_TEST_SUITE_P(
    Dfu, DfuSizes,
    testing::Values(
        SizeRow{"one_short_block", 100, "sDSZSS", {{0, 116}, {1, 0}}},
        SizeRow{"suffix_just_fits", 0x800 - 16, "sDSZSS", {{0, 0x800}, {1, 0}}},
        // the suffix alone, under the same number, before the phone is asked
        SizeRow{"suffix_does_not_fit", 0x800 - 15, "sDDSZSS", {{0, 0x800 - 15}, {0, 16}, {1, 0}}},
        SizeRow{"whole_blocks", 0x1000, "sDSDDSZSS", {{0, 0x800}, {1, 0x800}, {1, 16}, {2, 0}}},
        SizeRow{"two_and_a_bit", 0x1001, "sDSDSDSZSS", {{0, 0x800}, {1, 0x800}, {2, 17}, {3, 0}}}),
    [](const auto& row) { return row.param.name; });

TEST(DfuDownload, WaitsAsLongAsThePhoneAsksWhileItIsBusy) {
  FakeRom rom;
  rom.busy_polls = 3;
  rom.poll_time = 50;
  FakeControl control;
  ASSERT_TRUE(DownloadAndStart(rom, SourceOf(File(100)), control));
  EXPECT_EQ(control.Waited(), std::chrono::milliseconds(150));
  EXPECT_EQ(rom.story, "sDSSSSZSS");
}

TEST(DfuDownload, GivesUpOnAPhoneThatStaysBusy) {
  FakeRom rom;
  rom.busy_polls = 1 << 30;
  rom.poll_time = 0xFFFFFF;  // hours: not believed
  FakeControl control;
  const Status done = DownloadAndStart(rom, SourceOf(File(100)), control);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kRecoveryUpload);
  EXPECT_EQ(control.Waited(), std::chrono::seconds(20));
  EXPECT_FALSE(rom.reset);
}

TEST(DfuDownload, RefusedBlockFailsAndLeavesThePhoneReadyForTheNextTry) {
  FakeRom rom;
  rom.refuse_block = 1;
  FakeControl control;
  const Status done = DownloadAndStart(rom, SourceOf(File(0x1800)), control);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kRecoveryUpload);
  EXPECT_EQ(rom.story, "sDSDSc");
  EXPECT_EQ(rom.state, DfuState::kIdle);
}

struct LeftoverRow {
  const char* name;
  DfuState left_in;
  const char* begins;
};
void PrintTo(const LeftoverRow& row, std::ostream* out) { *out << row.name; }

class DfuLeftovers : public testing::TestWithParam<LeftoverRow> {};

TEST_P(DfuLeftovers, OfABrokenOffDownloadAreClearedOnce) {
  FakeControl control;
  FakeRom rom;
  rom.state = GetParam().left_in;
  EXPECT_TRUE(DownloadAndStart(rom, SourceOf(File(10)), control));
  EXPECT_TRUE(rom.story.starts_with(GetParam().begins)) << rom.story;
  FakeRom stuck;
  stuck.state = GetParam().left_in;
  stuck.sticks = true;
  const Status done = DownloadAndStart(stuck, SourceOf(File(10)), control);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kRecoveryUpload);
  EXPECT_TRUE(stuck.received.empty());
}

INSTANTIATE_TEST_SUITE_P(Dfu, DfuLeftovers,
                         testing::Values(LeftoverRow{"in_mid_download", DfuState::kDownloadIdle,
                                                     "sasD"},
                                         LeftoverRow{"in_error", DfuState::kError, "scsD"}),
                         [](const auto& row) { return row.param.name; });

TEST(DfuDownload, IsCancelledBetweenBlocksWithoutStartingAnything) {
  FakeRom rom;
  FakeControl control;
  control.CancelAfter(3);
  const Status done = DownloadAndStart(rom, SourceOf(File(0x8000)), control);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(rom.received.size(), 3 * kDfuBlock);
  EXPECT_FALSE(rom.reset);
}

TEST(DfuDownload, PhoneThatLeavesBeforeItSaidItHasAllIsNotReset) {
  FakeRom rom;
  rom.cuts_last_status = true;
  FakeControl control;
  const Status done = DownloadAndStart(rom, SourceOf(File(100)), control);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kRecoveryUpload);
  EXPECT_FALSE(rom.reset);
}

}  // namespace
}  // namespace station::boot
