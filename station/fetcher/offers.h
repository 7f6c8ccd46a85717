#pragma once
// What catalogues offer for a product: the vendor's own version list and the ipsw.me v4 shape, read
// as hostile text, put together, and refused where they contradict each other.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "station/base/ids.h"
#include "station/base/result.h"
#include "station/fetcher/http_get.h"

namespace station::fetcher {

struct Offer {
  std::string product;  // "iPhone10,1"
  std::string version;  // "15.8"
  std::string build;    // "19H370"
  std::vector<std::string> urls;
  std::optional<std::uint64_t> size;  // bytes
  std::optional<Sha1Digest> sha1;
  std::optional<Sha256Digest> sha256;
  bool said_unsigned = false;  // a catalogue's hint; the signing server has the word
};

// kFirmwareMalformed when it is not of that shape. Entries that cannot be used (no address, an
// address that is no firmware's) are left out.
[[nodiscard]] Result<std::vector<Offer>> ParseIpswMe(std::string_view json,
                                                     std::string_view product);
[[nodiscard]] Result<std::vector<Offer>> ParseVendorList(std::string_view plist,
                                                         std::string_view product);

// One offer a build, newest first. kFirmwareSourcesDisagree names the build and what differs.
[[nodiscard]] Result<std::vector<Offer>> Merge(std::vector<Offer> offers);

struct CatalogueSources {
  std::string vendor_list_url;  // the vendor's version list; empty: not asked
  std::string ipsw_me_url;      // base, "https://api.ipsw.me"; empty: not asked
  HttpOptions http;
};

// Asks every source; one that does not answer is logged and left out, unless none does:
// kFirmwareDownload. kFirmwareAbsent when nobody knows the product.
[[nodiscard]] Result<std::vector<Offer>> AskCatalogues(const CatalogueSources& sources,
                                                       const std::string& product);

}  // namespace station::fetcher
