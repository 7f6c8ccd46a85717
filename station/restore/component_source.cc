#include "station/restore/component_source.h"

#include <algorithm>
#include <array>

#include "station/base/digest.h"
#include "station/image4/personalise.h"

namespace station::restore {
namespace {

using plist::View;

// Components that say in which slot their nonce lies, where the identity requires slots
// (restore-protocol 4.4, step 4).
struct SlotRow {
  std::string_view component;
  std::string_view four_cc;
  const char* info_key;
  std::uint64_t fallback;
};
constexpr auto kSlots = std::to_array<SlotRow>({
    {"SEP", "snid", "SepNonceSlotID", 2},
    {"SepStage1", "snid", "SepNonceSlotID", 2},
    {"LLB", "anid", "ApNonceSlotID", 0},
});

std::unexpected<Error> WrongDigest(const std::string& component) {
  return Fail(ErrorCode::kTicketWrongComponent,
              "the ticket states another digest of " + component + " than the file has");
}

Result<DigestKind> KindOf(std::size_t size) {
  for (const DigestKind kind : {DigestKind::kSha1, DigestKind::kSha256, DigestKind::kSha384})
    if (DigestSize(kind) == size) return kind;
  return Fail(ErrorCode::kFirmwareUnsupported, "a digest of " + std::to_string(size) + " bytes");
}

}  // namespace

Result<std::string> ComponentSource::PathOf(const std::string& component) const {
  STATION_TRY(entry, identity_.Find(component));
  auto path = entry.Path();
  if (!path)
    return Fail(ErrorCode::kFirmwareMemberMissing, component + " has no file in this firmware");
  return std::move(*path);
}

Result<std::vector<std::uint8_t>> ComponentSource::Unchanged(const std::string& component) const {
  STATION_TRY(path, PathOf(component));
  return reader_.Read(path);
}

Result<std::vector<std::uint8_t>> ComponentSource::SignedDigest(
    const std::string& component) const {
  STATION_TRY(entry, identity_.Find(component));
  const auto four_cc = entry.FourCc();
  auto digest = four_cc ? ticket_.Digest(*four_cc) : std::nullopt;
  return std::move(digest).value_or(std::vector<std::uint8_t>());
}

Result<std::vector<std::uint8_t>> ComponentSource::RestoreInfoOf(
    const std::string& component) const {
  image4::RestoreInfo info;
  const auto* row = std::ranges::find(kSlots, component, &SlotRow::component);
  if (row != kSlots.end() && identity_.Info()["RequiresNonceSlot"].Bool().value_or(false))
    info.nonce_slot = {row->four_cc,
                       identity_.Info()[row->info_key].Number().value_or(row->fallback)};
  if (const View sealed = answer_[component + "-TBM"]; sealed.Present()) {
    const auto ucon = sealed["ucon"].Data();
    const auto ucer = sealed["ucer"].Data();
    if (!ucon || !ucer || ucon->empty() || ucer->empty())
      return Fail(ErrorCode::kSigningBadAnswer, "the answer's " + component + "-TBM is incomplete");
    info.ucon = *ucon;
    info.ucer = *ucer;
  }
  return image4::WriteRestoreInfo(info);
}

Status ComponentSource::PassPayload(const std::string& path, const std::string& component,
                                    const ByteSink& sink) const {
  STATION_TRY(size, reader_.SizeOf(path));
  image4::PayloadStream payload(size, image4::PatchedType(component), sink);
  STATION_CHECK(reader_.Visit(
      path, [&](std::span<const std::uint8_t> bytes) { return payload.Feed(bytes); }));
  return payload.Finish();
}

Result<ByteSource> ComponentSource::Personalised(const std::string& component) const {
  STATION_TRY(path, PathOf(component));
  STATION_TRY(size, reader_.SizeOf(path));
  STATION_TRY(signed_digest, SignedDigest(component));
  STATION_TRY(info, RestoreInfoOf(component));
  if (!signed_digest.empty()) {
    STATION_TRY(kind, KindOf(signed_digest.size()));
    Hasher hasher(kind);
    STATION_CHECK(PassPayload(path, component, [&](std::span<const std::uint8_t> bytes) -> Status {
      hasher.Update(bytes);
      return {};
    }));
    if (hasher.Finish() != signed_digest) return WrongDigest(component);
  }
  image4::Img4Frame frame = image4::FrameFor(size, ticket_.Raw(), info);
  const std::uint64_t whole = frame.before.size() + size + frame.after.size();
  return ByteSource{
      whole,
      [this, path = path, component, frame = std::move(frame)](const ByteSink& sink) -> Status {
        STATION_CHECK(sink(frame.before));
        STATION_CHECK(PassPayload(path, component, sink));
        return sink(frame.after);
      }};
}

Result<store::Image> ComponentSource::SystemImage() const {
  STATION_TRY(path, PathOf("OS"));
  return reader_.OpenImage(path);
}

}  // namespace station::restore
