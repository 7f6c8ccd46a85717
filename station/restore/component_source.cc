#include "station/restore/component_source.h"

#include "station/image4/personalise.h"

namespace station::restore {

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

Result<std::vector<std::uint8_t>> ComponentSource::Personalised(
    const std::string& component) const {
  STATION_TRY(entry, identity_.Find(component));
  STATION_TRY(payload, Unchanged(component));
  const auto type = image4::PatchedType(component);
  const auto four_cc = entry.FourCc();
  const auto signed_digest = four_cc ? ticket_.Digest(*four_cc) : std::nullopt;
  if (signed_digest && !signed_digest->empty()) {
    STATION_TRY(digest, image4::PayloadDigest(payload, type, signed_digest->size()));
    if (digest != *signed_digest)
      return Fail(ErrorCode::kTicketWrongComponent,
                  "the ticket states another digest of " + component + " than the file has");
  }
  STATION_TRY(whole, image4::Personalised::Make(payload, ticket_.Raw(), type));
  return whole.Assemble();
}

Result<store::Image> ComponentSource::SystemImage() const {
  STATION_TRY(path, PathOf("OS"));
  return reader_.OpenImage(path);
}

}  // namespace station::restore
