#include "tests/rack/restore/asr.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "station/base/ids.h"
#include "tests/rack/restore/assets.h"

namespace rack {
namespace {

constexpr std::uint64_t kBlock = 131072;
constexpr std::size_t kChecksum = 20;
constexpr std::size_t kBlocksAtOnce = 2;  // a quarter of a MiB stays in the cache
constexpr std::chrono::seconds kAcceptPatience{60};
constexpr std::chrono::milliseconds kAcceptSlice{200};  // how soon Stop is heard meanwhile
constexpr std::chrono::seconds kReadPatience{60};
constexpr std::chrono::hours kForEverAlmost{24};
constexpr std::size_t kLongestInfo = 65536;

std::unexpected<Refusal> Refuse(Reason reason, std::string detail) {
  return std::unexpected(Refusal{reason, std::move(detail)});
}

bool Send(Stream& stream, Value::Dict command) {
  const Value message(std::move(command));
  stream.Passed(false, message);
  return stream.Write(message.ToXml());
}

// The ranges a phone asks for before the image: the trailer, the header, then table reads all over
// the file.
std::vector<std::pair<std::uint64_t, std::uint64_t>> RangesFor(std::uint64_t size) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  const auto add = [&](std::uint64_t offset, std::uint64_t length) {
    if (size == 0) return;
    offset = std::min(offset, size - 1);
    ranges.emplace_back(offset, std::min(length, size - offset));
  };
  add(size > 512 ? size - 512 : 0, 512);
  add(0, 72);
  add(size / 3, 1276);
  add(size / 2, 300000);
  add(size / 7, 5000);
  add(size / 5 * 4, 131073);
  return ranges;
}

}  // namespace

AsrReceiver::AsrReceiver(Phone& phone, Attachment& attachment, AsrOptions options)
    : phone_(phone),
      attachment_(attachment),
      options_(std::move(options)),
      sink_(options_.recipes, options_.signed_digest) {}

void AsrReceiver::Stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  if (stream_) stream_->Shutdown();
}

std::expected<AsrImage, Refusal> AsrReceiver::Receive() {
  if (Step connected = TakeConnection(); !connected)
    return std::unexpected(std::move(connected).error());
  faults_ = phone_.TakeAsrFaults();
  const auto started = std::chrono::steady_clock::now();
  for (const auto step :
       {&AsrReceiver::Negotiate, &AsrReceiver::ReadRanges, &AsrReceiver::ReadImage})
    if (Step done = (this->*step)(); !done) {
      Record(std::nullopt);
      return std::unexpected(std::move(done).error());
    }
  AsrImage image{size_, sink_.Finish()};
  Record(image);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  spdlog::info("phone={} asr_bytes={} seconds={:.2f} mb_per_second={:.0f}", phone_.Spec().name,
               size_, took.count(), static_cast<double>(size_) / 1e6 / took.count());
  return image;
}

// The image's own digest, of the kind the ticket states; hashing it once more would cost too much.
void AsrReceiver::Record(const std::optional<AsrImage>& image) const {
  Value what = Value::Dict{{"size", received_}, {"announced", size_}};
  if (image && image->digest) what.Set("digest", station::ToHex(*image->digest));
  phone_.Record("asr", Toward::kPhone, "transfer", what);
}

AsrReceiver::Step AsrReceiver::TakeConnection() {
  std::shared_ptr<Stream> stream;
  const auto patience = std::chrono::steady_clock::now() + kAcceptPatience;
  while (!stream && !attachment_.Ended() && std::chrono::steady_clock::now() < patience) {
    stream = attachment_.Accept(options_.port, kAcceptSlice);
    const std::lock_guard lock(mutex_);
    if (stopped_) return Refuse(Reason::kHostGone, "the restore ended before the image came");
    stream_ = stream;
  }
  attachment_.Close(options_.port);
  if (!stream) return Refuse(Reason::kHostGone, "nobody connected to the ASR port");
  stream->SetTap(phone_.TapFor("asr"));
  return {};
}

AsrReceiver::Step AsrReceiver::Negotiate() {
  if (options_.second_initiate && options_.checksums)
    if (Step plain = ReadPacketInfo(false); !plain) return plain;
  return ReadPacketInfo(options_.checksums);
}

AsrReceiver::Step AsrReceiver::ReadPacketInfo(bool checksums) {
  Value::Dict initiate{{"Command", "Initiate"}};
  if (checksums) initiate.insert(initiate.begin(), {"Checksum Chunks", true});
  if (!Send(*stream_, std::move(initiate)))
    return Refuse(Reason::kHostGone, "ASR connection closed");
  std::string text;
  std::array<std::uint8_t, 4096> piece;
  while (text.find("</plist>\n") == std::string::npos) {
    const auto got = stream_->ReadSome(piece, kReadPatience);
    if (!got || *got == 0 || text.size() > kLongestInfo)
      return Refuse(Reason::kAsrInfo, "no packet information");
    text.append(AsText(std::span(piece).first(*got)));
  }
  const auto info = Value::Parse(text);
  if (info) stream_->Passed(true, *info);
  const Value* payload = info ? info->Find("Payload") : nullptr;
  if (payload == nullptr ||
      info->Number("Checksum Chunk Size") != (checksums ? std::optional(kBlock) : std::nullopt) ||
      payload->Number("Port") != 1 || info->Number("Packet Payload Size").value_or(0) == 0 ||
      !info->Number("FEC Slice Stride") || !info->Number("Packets Per FEC") ||
      !info->Number("Stream ID") || info->Number("Version") != 1)
    return Refuse(Reason::kAsrInfo, "packet information lacks what was asked for");
  size_ = payload->Number("Size").value_or(0);
  if (size_ == 0) return Refuse(Reason::kAsrInfo, "packet information without a size");
  return {};
}

AsrReceiver::Step AsrReceiver::ReadRange(std::uint64_t offset, std::uint64_t length) {
  Range range{offset, Bytes(length)};
  if (!Send(*stream_, {{"Command", "OOBData"}, {"OOB Length", length}, {"OOB Offset", offset}}) ||
      !stream_->ReadExact(range.bytes, kReadPatience))
    return Refuse(Reason::kAsrRange, fmt::format("range {}+{} was not answered", offset, length));
  phone_.RecordPayload("asr", "range", range.bytes);
  ranges_.push_back(std::move(range));
  return {};
}

AsrReceiver::Step AsrReceiver::ReadRanges() {
  for (const auto& [offset, length] : RangesFor(size_)) {
    if (Step range = ReadRange(offset, length); !range) return range;
    const auto head = offset == 0 ? ArchiveHeadSize(ranges_.back().bytes) : std::nullopt;
    if (!head || *head > size_) continue;
    if (Step whole = ReadRange(0, *head); !whole) return whole;
    options_.beginning(ranges_.back().bytes);
  }
  if (!Send(*stream_, {{"Command", "Payload"}}))
    return Refuse(Reason::kHostGone, "ASR connection closed");
  return {};
}

AsrReceiver::Step AsrReceiver::ReadImage() {
  const std::size_t checksum = options_.checksums ? kChecksum : 0;
  Bytes buffer(kBlocksAtOnce * (kBlock + checksum));
  while (received_ < size_) {
    const std::uint64_t left = size_ - received_;
    const std::uint64_t data = std::min<std::uint64_t>(left, kBlocksAtOnce * kBlock);
    const std::uint64_t blocks = (data + kBlock - 1) / kBlock;
    std::span<std::uint8_t> batch =
        std::span(buffer).first(static_cast<std::size_t>(data + blocks * checksum));
    if (!stream_->ReadExact(batch, kReadPatience))
      return Refuse(Reason::kAsrShort,
                    fmt::format("image ended after {} of {} bytes", received_, size_));
    while (!batch.empty()) {
      const std::size_t length = std::min<std::size_t>(batch.size() - checksum, kBlock);
      if (Step taken = TakeBlock(batch.first(length), batch.subspan(length, checksum)); !taken)
        return taken;
      batch = batch.subspan(length + checksum);
    }
    const int percent = static_cast<int>(received_ * 100 / size_);
    if (percent / 10 != told_ / 10 || told_ < 0) options_.percent(told_ = percent);
  }
  std::array<std::uint8_t, 1> beyond;
  const auto extra = stream_->ReadSome(beyond, kReadPatience);
  if (extra && *extra != 0) return Refuse(Reason::kAsrInfo, "bytes beyond the announced size");
  return {};
}

AsrReceiver::Step AsrReceiver::TakeBlock(std::span<const std::uint8_t> block,
                                         std::span<const std::uint8_t> checksum) {
  if (options_.checksums) {
    block_.Add(block);
    if (!std::ranges::equal(block_.Finish(), checksum))
      return Refuse(Reason::kAsrChecksum,
                    fmt::format("block at {} does not have the SHA-1 sent with it", received_));
  }
  if (Step agreed = CompareRanges(block); !agreed) return agreed;
  sink_.Take(block);
  received_ += block.size();
  return MaybeFail();
}

AsrReceiver::Step AsrReceiver::CompareRanges(std::span<const std::uint8_t> block) const {
  for (const Range& range : ranges_) {
    const std::uint64_t begin = std::max(range.offset, received_);
    const std::uint64_t end = std::min(range.offset + range.bytes.size(), received_ + block.size());
    if (begin >= end) continue;
    const auto promised = std::span(range.bytes).subspan(begin - range.offset, end - begin);
    if (!std::ranges::equal(promised, block.subspan(begin - received_, end - begin)))
      return Refuse(Reason::kAsrRange,
                    fmt::format("image at {} differs from the range sent before", begin));
  }
  return {};
}

AsrReceiver::Step AsrReceiver::MaybeFail() {
  if (!faults_) return {};
  if (faults_->unplug_at_byte && received_ >= *faults_->unplug_at_byte) {
    phone_.Ask(Phone::Wish::Kind::kUnplug);
    attachment_.Wait(kForEverAlmost);
    return Refuse(Reason::kUnplugged,
                  fmt::format("cable pulled after {} bytes of the image", received_));
  }
  if (faults_->stall_asr && received_ >= size_ / 2) {
    attachment_.Wait(kForEverAlmost);
    return Refuse(Reason::kHostGone, "stalled in mid-image until the cable was pulled");
  }
  return {};
}

}  // namespace rack
