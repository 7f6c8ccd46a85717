#include "station/image4/personalise.h"

#include <algorithm>
#include <array>
#include <utility>

#include "station/base/digest.h"
#include "station/image4/der_writer.h"

namespace station::image4 {
namespace {

// restore-protocol 4.4, step 2.
constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kPatched{{
    {"RestoreKernelCache", "rkrn"},
    {"RestoreDeviceTree", "rdtr"},
    {"RestoreSEP", "rsep"},
    {"RestoreLogo", "rlgo"},
    {"RestoreTrustCache", "rtsc"},
    {"RestoreDCP", "rdcp"},
    {"Ap,RestoreDCP2", "rdc2"},
    {"Ap,RestoreTMU", "rtmu"},
    {"Ap,RestoreCIO", "rcio"},
    {"Ap,DCP2", "dcp2"},
    {"Ap,RestoreSecureM3Firmware", "rsm3"},
    {"Ap,RestoreSecurePageTableMonitor", "rspt"},
    {"Ap,RestoreTrustedExecutionMonitor", "rtrx"},
    {"Ap,RestorecL4", "rxcl"},
}};

}  // namespace

std::optional<std::string_view> PatchedType(std::string_view component) {
  const auto* found =
      std::ranges::find(kPatched, component, &std::pair<std::string_view, std::string_view>::first);
  if (found == kPatched.end()) return std::nullopt;
  return found->second;
}

Result<PayloadHead> ReadPayloadHead(Bytes im4p) {
  const auto read = [&]() -> Result<PayloadHead> {
    STATION_TRY(outer, ReadOnly(im4p, kSequence));
    DerReader reader(outer.content);
    STATION_CHECK(reader.Expect("IM4P"));
    STATION_TRY(type, reader.Next(kIa5String));
    STATION_TRY(description, reader.Next(kIa5String));
    if (auto data = reader.Next(kOctetString); !data) return std::unexpected(data.error());
    if (type.content.size() != 4)
      return Fail(ErrorCode::kFirmwareMalformed,
                  "a type of " + std::to_string(type.content.size()) + " characters");
    return PayloadHead{Text(type), Text(description),
                       static_cast<std::size_t>(type.content.data() - im4p.data())};
  };
  auto head = read();
  if (!head) return Fail(ErrorCode::kFirmwareMalformed, "not an IM4P: " + head.error().context);
  return head;
}

std::vector<std::uint8_t> WriteRestoreInfo(const RestoreInfo& info) {
  DerBytes properties;
  const auto add = [&](std::string_view four_cc, const DerBytes& value) {
    const DerBytes property = DerProperty(four_cc, value);
    properties.insert(properties.end(), property.begin(), property.end());
  };
  if (info.nonce_slot) add(info.nonce_slot->first, DerInteger(info.nonce_slot->second));
  if (!info.ucon.empty()) add("ucon", DerOctets(info.ucon));
  if (!info.ucer.empty()) add("ucer", DerOctets(info.ucer));
  if (properties.empty()) return {};
  return DerSequence({DerText("IM4R"), DerSet(properties)});
}

Img4Frame FrameFor(std::uint64_t payload_size, Bytes ticket, Bytes restore_info) {
  const DerBytes magic = DerText("IMG4");
  Img4Frame frame;
  frame.after = DerElement(0xA0, ticket);
  if (!restore_info.empty()) {
    const DerBytes info = DerElement(0xA1, restore_info);
    frame.after.insert(frame.after.end(), info.begin(), info.end());
  }
  const DerBytes header = DerHeader(0x30, magic.size() + payload_size + frame.after.size());
  frame.before = Join({header, magic});
  return frame;
}

Result<Personalised> Personalised::Make(Bytes im4p, Bytes ticket,
                                        std::optional<std::string_view> type, Bytes restore_info) {
  STATION_TRY(payload, ReadPayloadHead(im4p));
  Img4Frame frame = FrameFor(im4p.size(), ticket, restore_info);
  const std::string_view sent = type.value_or(payload.type);
  Personalised result;
  result.head_ = Join({frame.before,
                       im4p.first(payload.type_offset),
                       {reinterpret_cast<const std::uint8_t*>(sent.data()), sent.size()}});
  result.body_ = im4p.subspan(payload.type_offset + 4);
  result.tail_ = std::move(frame.after);
  return result;
}

std::size_t Personalised::Size() const { return head_.size() + body_.size() + tail_.size(); }

std::vector<Bytes> Personalised::Pieces() const { return {head_, body_, tail_}; }

std::vector<std::uint8_t> Personalised::Assemble() const {
  std::vector<std::uint8_t> whole;
  whole.reserve(Size());
  for (const Bytes piece : Pieces()) whole.insert(whole.end(), piece.begin(), piece.end());
  return whole;
}

namespace {

constexpr std::size_t kHeadNeeded = 32;  // header, "IM4P" and the type lie in far fewer

// Where the type lies in an IM4P of `size` bytes that begins like this.
Result<std::size_t> TypeOffset(Bytes head, std::uint64_t size) {
  const auto bad = [] { return Fail(ErrorCode::kFirmwareMalformed, "not an IM4P"); };
  if (head.size() < 2 || head[0] != 0x30) return bad();
  std::size_t at = 2;
  std::uint64_t length = head[1];
  if (length >= 0x80) {
    const std::size_t digits = length & 0x7FU;
    if (digits == 0 || digits > 4 || head.size() < at + digits) return bad();
    length = 0;
    for (std::size_t i = 0; i < digits; ++i) length = length << 8U | head[at++];
  }
  if (at + length != size) return bad();
  const DerBytes magic = DerText("IM4P");
  if (head.size() < at + magic.size() + 6 ||
      !std::ranges::equal(head.subspan(at, magic.size()), magic))
    return bad();
  at += magic.size();
  if (head[at] != 0x16 || head[at + 1] != 4) return bad();
  return at + 2;
}

}  // namespace

PayloadStream::PayloadStream(std::uint64_t size, std::optional<std::string_view> type, Sink sink)
    : size_(size), type_(type), sink_(std::move(sink)) {}

Status PayloadStream::PassHead() {
  STATION_TRY(offset, TypeOffset(head_, size_));
  if (type_) std::ranges::copy(*type_, head_.begin() + static_cast<std::ptrdiff_t>(offset));
  head_passed_ = true;
  return sink_(head_);
}

Status PayloadStream::Feed(Bytes piece) {
  seen_ += piece.size();
  if (!head_passed_) {
    const std::size_t missing = kHeadNeeded - std::min(head_.size(), kHeadNeeded);
    const Bytes taken = piece.first(std::min(missing, piece.size()));
    head_.insert(head_.end(), taken.begin(), taken.end());
    piece = piece.subspan(taken.size());
    if (head_.size() < kHeadNeeded) return {};
    STATION_CHECK(PassHead());
  }
  return piece.empty() ? Status() : sink_(piece);
}

Status PayloadStream::Finish() {
  if (!head_passed_) STATION_CHECK(PassHead());
  if (seen_ == size_) return {};
  return Fail(ErrorCode::kFirmwareMalformed, "a payload of " + std::to_string(seen_) +
                                                 " bytes instead of " + std::to_string(size_));
}

Result<std::vector<std::uint8_t>> PayloadDigest(Bytes im4p, std::optional<std::string_view> type,
                                                std::size_t digest_size) {
  STATION_TRY(payload, ReadPayloadHead(im4p));
  DigestKind kind = DigestKind::kSha384;
  if (digest_size == 20) {
    kind = DigestKind::kSha1;
  } else if (digest_size == 32) {
    kind = DigestKind::kSha256;
  } else if (digest_size != 48) {
    return Fail(ErrorCode::kFirmwareUnsupported,
                "a digest of " + std::to_string(digest_size) + " bytes");
  }
  const std::string_view sent = type.value_or(payload.type);
  Hasher hasher(kind);
  hasher.Update(im4p.first(payload.type_offset));
  hasher.Update({reinterpret_cast<const std::uint8_t*>(sent.data()), sent.size()});
  hasher.Update(im4p.subspan(payload.type_offset + 4));
  return hasher.Finish();
}

}  // namespace station::image4
