#include "tests/rack/recovery/dfu.h"

#include <spdlog/spdlog.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <utility>

#include "tests/rack/recovery/upload.h"

namespace rack {
namespace {

constexpr std::uint8_t kClassOut = 0x21;
constexpr std::uint8_t kClassIn = 0xA1;
constexpr std::uint8_t kTypeBits = 0x60;
constexpr std::uint8_t kTypeClass = 0x20;

constexpr std::size_t kLargestBlock = 0x800;
constexpr std::size_t kLargestImage = 8U << 20U;  // an iBSS has one or two MiB
constexpr std::uint16_t kManifestMilliseconds = 3000;
constexpr std::uint8_t kStatusOk = 0x00;
constexpr std::uint8_t kStatusStalled = 0x0F;

// bcdDevice, product and vendor, DFU 1.0, "UFD", its own length; then a CRC-32 of four bytes.
constexpr auto kSuffix = std::to_array<std::uint8_t>(
    {0xFF, 0xFF, 0xFF, 0xFF, 0xAC, 0x05, 0x00, 0x01, 0x55, 0x46, 0x44, 0x10});
constexpr std::size_t kCrcSize = 4;

// The CRC that libirecovery appends: not inverted at the end.
std::uint32_t SuffixCrc(std::span<const std::uint8_t> bytes) {
  return ~static_cast<std::uint32_t>(crc32(0, bytes.data(), static_cast<unsigned>(bytes.size())));
}

std::uint32_t LittleEndian(std::span<const std::uint8_t> bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8U | bytes[i];
  return value;
}

}  // namespace

BootRom::BootRom(Phone& phone) : phone_(phone), boot_number_(phone.State().boot_number) {}

BootRom::Answer BootRom::Control(const SetupPacket& setup, std::span<const std::uint8_t> out) {
  static constexpr auto kRequests = std::to_array<RequestEntry>({
      {kClassOut, 1, &BootRom::Download},
      {kClassIn, 3, &BootRom::GetStatus},
      {kClassOut, 4, &BootRom::ClearStatus},
      {kClassIn, 5, &BootRom::GetState},
      {kClassOut, 6, &BootRom::Abort},
  });
  if (leaving_) return std::nullopt;
  const auto found = std::ranges::find_if(kRequests, [&](const RequestEntry& entry) {
    return entry.type == setup.request_type && entry.number == setup.request;
  });
  if (found != kRequests.end()) return (this->*found->handler)(out);
  // UPLOAD is not offered by the descriptor. Vendor requests belong to recovery mode.
  return (setup.request_type & kTypeBits) == kTypeClass ? Fail() : std::nullopt;
}

BootRom::Answer BootRom::Fail() {
  state_ = State::kError;
  image_.clear();
  return std::nullopt;
}

void BootRom::StartOver() {
  state_ = State::kIdle;
  image_.clear();
}

BootRom::Answer BootRom::Download(std::span<const std::uint8_t> out) {
  switch (state_) {
    case State::kIdle:
      if (out.empty() || RefusesSend(phone_, out)) return Fail();
      break;
    case State::kDownloadIdle:
      break;
    case State::kManifestWaitReset:
      return out.empty() ? Bytes() : Fail();  // some hosts end with one more empty block
    case State::kManifestSync:
    case State::kManifest:
    case State::kError:
      return Fail();
  }
  if (out.size() > kLargestBlock || image_.size() + out.size() > kLargestImage) return Fail();
  image_.insert(image_.end(), out.begin(), out.end());
  state_ = out.empty() ? State::kManifestSync : State::kDownloadIdle;
  return Bytes();
}

// Tells the state, then goes on: three questions lead from the last block to the reset's turn.
// Hosts ask two of them (reference 2.6).
BootRom::Answer BootRom::GetStatus(std::span<const std::uint8_t> /*out*/) {
  const std::uint16_t wait = state_ == State::kManifest ? kManifestMilliseconds : 0;
  Bytes answer = {state_ == State::kError ? kStatusStalled : kStatusOk,
                  static_cast<std::uint8_t>(wait & 0xFFU),
                  static_cast<std::uint8_t>(wait >> 8U),
                  0,
                  std::to_underlying(state_),
                  0};
  if (state_ == State::kManifest) state_ = State::kManifestWaitReset;
  if (state_ == State::kManifestSync) state_ = State::kManifest;
  return answer;
}

BootRom::Answer BootRom::ClearStatus(std::span<const std::uint8_t> /*out*/) {
  if (state_ == State::kError) StartOver();
  return Bytes();
}

BootRom::Answer BootRom::GetState(std::span<const std::uint8_t> /*out*/) {
  return Bytes{std::to_underlying(state_)};
}

BootRom::Answer BootRom::Abort(std::span<const std::uint8_t> /*out*/) {
  if (state_ == State::kError) return std::nullopt;
  StartOver();
  return Bytes();
}

void BootRom::PortReset() {
  if (leaving_) return;
  if (state_ == State::kManifestWaitReset) return StartImage();
  if (!image_.empty())
    phone_.Refuse({Reason::kOrder, "port reset before the download had come to its end"});
  StartOver();
}

// No boot ROM has been seen to check the CRC, and hosts disagree on how to make it.
void BootRom::StripSuffix() {
  if (image_.size() < kSuffix.size() + kCrcSize) return;
  const auto whole = std::span(image_);
  const auto suffix = whole.last(kSuffix.size() + kCrcSize);
  if (!std::ranges::equal(suffix.first(kSuffix.size()), kSuffix)) return;
  const bool fits =
      SuffixCrc(whole.first(whole.size() - kCrcSize)) == LittleEndian(suffix.last(kCrcSize));
  spdlog::info("phone={} dfu_bytes={} suffix_crc_fits={}", phone_.Spec().name, image_.size(), fits);
  image_.resize(image_.size() - suffix.size());
}

void BootRom::StartImage() {
  leaving_ = true;
  RecordUpload(phone_, "dfu", image_);
  StripSuffix();
  const auto image = JudgeImage(phone_, image_, Only("ibss"));
  if (!image && image.error().reason == Reason::kType)
    RefuseImage(phone_,
                TracedBack(phone_, image.error()));  // an iBEC for the iBSS that did not run
  else if (!image)
    RefuseImage(phone_, image.error());
  phone_.Ask(image ? Event::kRunIbss : Event::kImageRefused, boot_number_);
  image_.clear();
}

}  // namespace rack
