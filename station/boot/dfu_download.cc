#include "station/boot/dfu_download.h"

#include <algorithm>
#include <array>
#include <string>

namespace station::boot {
namespace {

using std::chrono::milliseconds;

// Class requests on EP0.
constexpr std::uint8_t kOut = 0x21;
constexpr std::uint8_t kIn = 0xA1;
constexpr std::uint8_t kDnload = 1;
constexpr std::uint8_t kGetStatus = 3;
constexpr std::uint8_t kClearStatus = 4;
constexpr std::uint8_t kGetState = 5;
constexpr std::uint8_t kAbort = 6;

// The library asks 20 times, a second apart; we ask as often as the phone says it needs, for as
// long.
constexpr milliseconds kBlockPatience{20000};
constexpr milliseconds kShortestPoll{5};
constexpr milliseconds kLongestPoll{1000};

struct PhoneStatus {
  std::uint8_t status = 0;
  milliseconds poll{0};
  DfuState state = DfuState::kIdle;
};

std::uint32_t UpdateCrc(std::uint32_t crc, std::span<const std::uint8_t> bytes) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> rows{};
    for (std::uint32_t i = 0; i < rows.size(); ++i) {
      std::uint32_t row = i;
      for (int bit = 0; bit < 8; ++bit) row = (row >> 1U) ^ ((row & 1U) != 0 ? 0xEDB88320U : 0U);
      rows[i] = row;
    }
    return rows;
  }();
  for (const std::uint8_t byte : bytes) crc = (crc >> 8U) ^ table[(crc ^ byte) & 0xFFU];
  return crc;
}

std::string StateText(DfuState state) {
  return "DFU state " + std::to_string(static_cast<int>(state));
}

class Download {
 public:
  Download(Transfers& phone, const ByteSource& file, JobControl& control)
      : phone_(phone), file_(file), control_(control) {}

  Status Run() {
    if (file_.size == 0) return Fail(ErrorCode::kInternal, "an empty file for DFU");
    STATION_CHECK(BecomeIdle());
    STATION_CHECK(SendBlocks());
    return Start();
  }

 private:
  // Something may be left over from an interrupted download: it is cleared once.
  Status BecomeIdle() {
    STATION_TRY(state, State());
    if (state == DfuState::kIdle) return {};
    const std::uint8_t clear = state == DfuState::kError ? kClearStatus : kAbort;
    (void)phone_.Control({kOut, clear}, {});
    STATION_TRY(cleared, State());
    if (cleared == DfuState::kIdle) return {};
    return Fail(ErrorCode::kRecoveryUpload, "the phone takes no download: " + StateText(cleared));
  }

  Status SendBlocks() {
    BlockCutter blocks(kDfuBlock,
                       [this](std::span<const std::uint8_t> data) { return SendBlock(data); });
    STATION_CHECK(
        file_.pass([&](std::span<const std::uint8_t> bytes) { return blocks.Feed(bytes); }));
    STATION_CHECK(blocks.Flush());
    if (sent_ == file_.size) return {};
    return Fail(ErrorCode::kInternal, "a file of " + std::to_string(sent_) + " bytes instead of " +
                                          std::to_string(file_.size));
  }

  Status SendBlock(std::span<const std::uint8_t> data) {
    STATION_CHECK(control_.KeepGoing());
    suffix_.Add(data);
    sent_ += data.size();
    std::vector<std::uint8_t> block(data.begin(), data.end());
    const bool last = sent_ == file_.size;
    const bool suffix_fits = block.size() + kDfuSuffixSize <= kDfuBlock;
    const auto suffix = suffix_.Bytes();
    if (last && suffix_fits) block.insert(block.end(), suffix.begin(), suffix.end());
    STATION_CHECK(Dnload(block));
    // Where it does not fit it follows under the same number, before the phone is asked.
    if (last && !suffix_fits) STATION_CHECK(Dnload(suffix));
    STATION_CHECK(AwaitTaken());
    ++block_number_;
    control_.Progress(static_cast<double>(sent_) / static_cast<double>(file_.size), sent_,
                      file_.size);
    return {};
  }

  // The empty block ends the file; the phone is asked twice on its way to waiting for the reset.
  Status Start() {
    STATION_CHECK(Dnload({}));
    STATION_CHECK(AskStatus());
    STATION_TRY(last, AskStatus());
    if (last.state == DfuState::kError)
      return Fail(ErrorCode::kRecoveryUpload,
                  "the phone does not take the file: status " + std::to_string(last.status));
    phone_.ResetPort();
    return {};
  }

  Status Dnload(std::span<const std::uint8_t> bytes) {
    std::vector<std::uint8_t> copy(bytes.begin(), bytes.end());
    const int moved = phone_.Control({kOut, kDnload, block_number_}, copy);
    if (moved == static_cast<int>(bytes.size())) return {};
    return Fail(ErrorCode::kRecoveryUpload, "DFU block " + std::to_string(block_number_) + " of " +
                                                std::to_string(bytes.size()) +
                                                " bytes: usb answers " + std::to_string(moved));
  }

  Status AwaitTaken() {
    milliseconds waited{0};
    while (true) {
      STATION_TRY(now, AskStatus());
      if (now.state == DfuState::kDownloadIdle) return {};
      if (now.state == DfuState::kError) {
        (void)phone_.Control({kOut, kClearStatus}, {});
        return Fail(ErrorCode::kRecoveryUpload, "the phone refuses DFU block " +
                                                    std::to_string(block_number_) + ": status " +
                                                    std::to_string(now.status));
      }
      if (waited >= kBlockPatience)
        return Fail(ErrorCode::kRecoveryUpload, "DFU block " + std::to_string(block_number_) +
                                                    " was not taken: " + StateText(now.state));
      const milliseconds pause = std::clamp(now.poll, kShortestPoll, kLongestPoll);
      STATION_CHECK(control_.Pause(pause));
      waited += pause;
    }
  }

  Result<DfuState> State() {
    std::array<std::uint8_t, 1> answer{};
    const int got = phone_.Control({kIn, kGetState}, answer);
    if (got != 1)
      return Fail(ErrorCode::kRecoveryUpload,
                  "asking for the DFU state: usb answers " + std::to_string(got));
    return static_cast<DfuState>(answer[0]);
  }

  Result<PhoneStatus> AskStatus() {
    std::array<std::uint8_t, 6> answer{};
    const int got = phone_.Control({kIn, kGetStatus}, answer);
    if (got != static_cast<int>(answer.size()))
      return Fail(ErrorCode::kRecoveryUpload,
                  "asking for the DFU status: usb answers " + std::to_string(got));
    const std::uint32_t poll =
        std::uint32_t{answer[1]} | std::uint32_t{answer[2]} << 8U | std::uint32_t{answer[3]} << 16U;
    return PhoneStatus{answer[0], milliseconds(poll), static_cast<DfuState>(answer[4])};
  }

  Transfers& phone_;
  const ByteSource& file_;
  JobControl& control_;
  DfuSuffix suffix_;
  std::uint64_t sent_ = 0;
  std::uint16_t block_number_ = 0;
};

}  // namespace

void DfuSuffix::Add(std::span<const std::uint8_t> piece) { crc_ = UpdateCrc(crc_, piece); }

std::array<std::uint8_t, kDfuSuffixSize> DfuSuffix::Bytes() const {
  std::array<std::uint8_t, kDfuSuffixSize> suffix = {0xFF, 0xFF, 0xFF, 0xFF, 0xAC, 0x05,
                                                     0x00, 0x01, 0x55, 0x46, 0x44, 0x10};
  const std::uint32_t crc = UpdateCrc(crc_, std::span(suffix).first(kDfuSuffixSize - 4));
  for (std::size_t i = 0; i < 4; ++i)
    suffix[kDfuSuffixSize - 4 + i] = static_cast<std::uint8_t>(crc >> 8 * i);
  return suffix;
}

Status DownloadAndStart(Transfers& phone, const ByteSource& file, JobControl& control) {
  return Download(phone, file, control).Run();
}

}  // namespace station::boot
