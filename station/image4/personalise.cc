#include "station/image4/personalise.h"

#include <algorithm>
#include <array>
#include <utility>

#include "station/base/digest.h"

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
  const auto* found = std::ranges::find(kPatched, component, &std::pair<std::string_view, std::string_view>::first);
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
    if (type.content.size() != 4) return Fail(ErrorCode::kFirmwareMalformed, "a type of " + std::to_string(type.content.size()) + " characters");
    return PayloadHead{Text(type), Text(description), static_cast<std::size_t>(type.content.data() - im4p.data())};
  };
  auto head = read();
  if (!head) return Fail(ErrorCode::kFirmwareMalformed, "not an IM4P: " + head.error().context);
  return head;
}

Result<Personalised> Personalised::Make(Bytes im4p, Bytes ticket, std::optional<std::string_view> type) {
  STATION_TRY(payload, ReadPayloadHead(im4p));
  static constexpr std::array<std::uint8_t, 6> kMagic = {0x16, 0x04, 'I', 'M', 'G', '4'};
  Personalised result;
  result.tail_ = DerHeader(0xA0, ticket.size());
  result.ticket_ = ticket;
  result.head_ = DerHeader(0x30, kMagic.size() + im4p.size() + result.tail_.size() + ticket.size());
  result.head_.insert(result.head_.end(), kMagic.begin(), kMagic.end());
  const Bytes start = im4p.first(payload.type_offset);
  result.head_.insert(result.head_.end(), start.begin(), start.end());
  const std::string_view sent = type.value_or(payload.type);
  result.head_.insert(result.head_.end(), sent.begin(), sent.end());
  result.body_ = im4p.subspan(payload.type_offset + 4);
  return result;
}

std::size_t Personalised::Size() const { return head_.size() + body_.size() + tail_.size() + ticket_.size(); }

std::vector<Bytes> Personalised::Pieces() const { return {head_, body_, tail_, ticket_}; }

std::vector<std::uint8_t> Personalised::Assemble() const {
  std::vector<std::uint8_t> whole;
  whole.reserve(Size());
  for (const Bytes piece : Pieces()) whole.insert(whole.end(), piece.begin(), piece.end());
  return whole;
}

Result<std::vector<std::uint8_t>> PayloadDigest(Bytes im4p, std::optional<std::string_view> type, std::size_t digest_size) {
  STATION_TRY(payload, ReadPayloadHead(im4p));
  DigestKind kind = DigestKind::kSha384;
  if (digest_size == 20) {
    kind = DigestKind::kSha1;
  } else if (digest_size == 32) {
    kind = DigestKind::kSha256;
  } else if (digest_size != 48) {
    return Fail(ErrorCode::kFirmwareUnsupported, "a digest of " + std::to_string(digest_size) + " bytes");
  }
  const std::string_view sent = type.value_or(payload.type);
  Hasher hasher(kind);
  hasher.Update(im4p.first(payload.type_offset));
  hasher.Update({reinterpret_cast<const std::uint8_t*>(sent.data()), sent.size()});
  hasher.Update(im4p.subspan(payload.type_offset + 4));
  return hasher.Finish();
}

}  // namespace station::image4
