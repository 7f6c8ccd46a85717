#pragma once
// Which firmware a phone should get: what the catalogues offer, and whether the signing server
// would sign it for this phone. Asked by ranges of the remote file, before gigabytes are fetched.

#include <functional>
#include <string>
#include <vector>

#include "station/base/enums.h"
#include "station/base/ids.h"
#include "station/fetcher/offers.h"
#include "station/signing/signing_client.h"

namespace station::fetcher {

enum class IsSigned : std::uint8_t { kNotAsked = 0, kYes = 1, kNo = 2 };

struct FoundOffer {
  Offer offer;
  IsSigned is_signed = IsSigned::kNotAsked;
};

struct FindRequest {
  std::string product;
  std::string board;
  std::uint32_t chip_id = 0;  // 0: not known
  std::uint32_t board_id = 0;
  Ecid ecid;
  Action action = Action::kErase;
  std::string want = "latest";  // the newest that is signed; else a version or a build
  CatalogueSources sources;
  signing::SigningServer signer;  // without a url it is not asked
  // Waits between tries; false gives up.
  std::function<bool(std::chrono::milliseconds)> pause;
};

// The offers wanted, newest first. "latest" ends the list with the first that is signed.
// kFirmwareAbsent when nothing fits, kSigningNotSigned when nothing is signed, errors of
// AskCatalogues and of the signing server.
[[nodiscard]] Result<std::vector<FoundOffer>> Find(const FindRequest& request);

}  // namespace station::fetcher
