#include "station/fetcher/find.h"

#include <openssl/rand.h>

#include <algorithm>

#include "station/base/log.h"
#include "station/fetcher/manifest_facts.h"
#include "station/fetcher/remote_file.h"
#include "station/firmware/build_manifest.h"
#include "station/signing/ticket_request.h"

namespace station::fetcher {
namespace {

constexpr std::size_t kMostAsked = 12;             // versions; older ones are not signed any more
constexpr std::uint32_t kFirstLongNonce = 0x8010;  // A10: nonces of 32 bytes (reference 5.3)

Result<std::vector<std::uint8_t>> RandomBytes(std::size_t count) {
  std::vector<std::uint8_t> bytes(count);
  if (RAND_bytes(bytes.data(), static_cast<int>(count)) != 1)
    return Fail(ErrorCode::kInternal, "no random bytes");
  return bytes;
}

Result<firmware::BuildManifest> RemoteManifest(const FindRequest& request, const Offer& offer) {
  RemoteFile::Wish wish;
  wish.urls = offer.urls;
  wish.size = offer.size;
  wish.content_known = offer.sha1 || offer.sha256;
  wish.http = request.sources.http;
  wish.pause = request.pause;
  STATION_TRY(remote, RemoteFile::Find(std::move(wish)));
  STATION_TRY(directory, firmware::ZipDirectory::Read(remote));
  STATION_TRY(bytes, ReadManifest(remote, directory));
  return firmware::BuildManifest::Parse(bytes);
}

// Any nonce does: the answer is not used, only whether there is one.
Result<IsSigned> AskSigner(const FindRequest& request, const Offer& offer) {
  STATION_TRY(manifest, RemoteManifest(request, offer));
  STATION_TRY(identity, request.chip_id == 0 ? manifest.Choose(request.board, request.action)
                                             : manifest.Choose(request.board, request.chip_id,
                                                               request.board_id, request.action));
  const bool long_nonce =
      identity.ChipId().value_or(request.chip_id) >= kFirstLongNonce &&
      identity.ChipId().value_or(request.chip_id) < 0x8900;  // S5L chips have short ones
  STATION_TRY(ap_nonce, RandomBytes(long_nonce ? 32 : 20));
  STATION_TRY(sep_nonce, RandomBytes(20));
  const signing::PhoneIdentity phone{
      request.ecid, static_cast<std::uint32_t>(identity.ChipId().value_or(request.chip_id)),
      static_cast<std::uint32_t>(identity.BoardId().value_or(request.board_id)),
      std::move(ap_nonce), std::move(sep_nonce)};
  STATION_TRY(asked, signing::BuildApRequest(identity, phone));
  const signing::SigningClient signer(request.signer, request.pause);
  const auto answer = signer.Ask(std::move(asked));
  if (answer) return IsSigned::kYes;
  if (answer.error().code == ErrorCode::kSigningNotSigned) return IsSigned::kNo;
  return std::unexpected(answer.error());
}

// A phone the firmware does not serve after all is no reason to stop.
Result<IsSigned> AskFor(const FindRequest& request, const Offer& offer) {
  auto answer = AskSigner(request, offer);
  if (!answer && (answer.error().code == ErrorCode::kFirmwareNoIdentity ||
                  answer.error().code == ErrorCode::kFirmwareMalformed)) {
    LogError(LogLevel::kWarning, "offer left out", answer.error(), {{"build", offer.build}});
    return IsSigned::kNo;
  }
  if (answer)
    Log(LogLevel::kInfo, "signing server asked",
        {{"product", request.product},
         {"build", offer.build},
         {"signed", *answer == IsSigned::kYes ? "yes" : "no"}});
  return answer;
}

Result<std::vector<FoundOffer>> Latest(const FindRequest& request, std::vector<Offer> offers) {
  std::ranges::stable_partition(offers, [](const Offer& offer) { return !offer.said_unsigned; });
  std::vector<FoundOffer> found;
  for (Offer& offer : offers) {
    if (found.size() == kMostAsked) break;
    STATION_TRY(is_signed, AskFor(request, offer));
    found.push_back({std::move(offer), is_signed});
    if (is_signed == IsSigned::kYes) return found;
  }
  return Fail(ErrorCode::kSigningNotSigned,
              "nothing the catalogues offer for " + request.product + " is signed");
}

}  // namespace

Result<std::vector<FoundOffer>> Find(const FindRequest& request) {
  STATION_TRY(offers, AskCatalogues(request.sources, request.product));
  const bool latest = request.want.empty() || request.want == "latest";
  if (!latest)
    std::erase_if(offers, [&](const Offer& offer) {
      return offer.version != request.want && offer.build != request.want;
    });
  if (offers.empty())
    return Fail(ErrorCode::kFirmwareAbsent,
                "no catalogue offers " + request.want + " for " + request.product);
  if (latest && !request.signer.url.empty()) return Latest(request, std::move(offers));
  std::vector<FoundOffer> found;
  for (Offer& offer : offers) {
    IsSigned is_signed = IsSigned::kNotAsked;
    if (!request.signer.url.empty()) {
      STATION_TRY(answer, AskFor(request, offer));
      is_signed = answer;
    }
    found.push_back({std::move(offer), is_signed});
  }
  return found;
}

}  // namespace station::fetcher
