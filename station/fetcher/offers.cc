#include "station/fetcher/offers.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "station/base/log.h"
#include "station/plist/plist.h"
#include "station/store/keeper/entry.h"

namespace station::fetcher {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kLargestCatalogue = 64U << 20U;
constexpr std::size_t kMostOffers = 2000;

bool IsWord(const std::string& text) {
  return !text.empty() && text.size() <= 64 &&
         std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

bool IsFirmwareAddress(const std::string& url) {
  return url.size() <= 2048 && (url.starts_with("https://") || url.starts_with("http://")) &&
         url.ends_with(".ipsw");
}

std::string TextOf(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::unexpected<Error> Unfit(std::string_view which) {
  return Fail(ErrorCode::kFirmwareMalformed, std::string(which) + " is not of the known shape");
}

bool Usable(const Offer& offer) {
  return IsWord(offer.version) && IsWord(offer.build) && IsFirmwareAddress(offer.urls.front());
}

bool Newer(const Offer& a, const Offer& b) {
  store::Entry first;
  first.version = a.version;
  first.build = a.build;
  store::Entry second;
  second.version = b.version;
  second.build = b.build;
  return store::IsNewer(first, second);
}

// What both say must be the same; what one says is taken.
template <typename T>
bool Agree(std::optional<T>& known, const std::optional<T>& said) {
  if (known && said && *known != *said) return false;
  if (said) known = said;
  return true;
}

Status Add(Offer& known, const Offer& said) {
  const char* differs = known.version != said.version       ? "version"
                        : !Agree(known.size, said.size)     ? "size"
                        : !Agree(known.sha1, said.sha1)     ? "SHA-1"
                        : !Agree(known.sha256, said.sha256) ? "SHA-256"
                                                            : nullptr;
  if (differs != nullptr)
    return Fail(ErrorCode::kFirmwareSourcesDisagree, "of " + said.product + " " + said.build +
                                                         " the catalogues give another " + differs);
  known.said_unsigned = known.said_unsigned || said.said_unsigned;
  for (const std::string& url : said.urls)
    if (std::ranges::find(known.urls, url) == known.urls.end()) known.urls.push_back(url);
  return {};
}

}  // namespace

Result<std::vector<Offer>> ParseIpswMe(std::string_view json, std::string_view product) {
  const Json root = Json::parse(json, nullptr, false);
  if (!root.is_object()) return Unfit("the ipsw.me answer");
  const auto list = root.find("firmwares");
  if (list == root.end() || !list->is_array()) return Unfit("the ipsw.me answer");
  std::vector<Offer> offers;
  for (const Json& entry : *list) {
    if (!entry.is_object() || offers.size() >= kMostOffers) continue;
    Offer offer;
    offer.product = product;
    offer.version = TextOf(entry, "version");
    offer.build = TextOf(entry, "buildid");
    offer.urls = {TextOf(entry, "url")};
    offer.sha1 = store::ParseSha1(TextOf(entry, "sha1sum"));
    offer.sha256 = ParseSha256(TextOf(entry, "sha256sum"));
    if (const auto size = entry.find("filesize"); size != entry.end() && size->is_number_unsigned())
      offer.size = size->get<std::uint64_t>();
    if (const auto hint = entry.find("signed"); hint != entry.end() && hint->is_boolean())
      offer.said_unsigned = !hint->get<bool>();
    if (TextOf(entry, "identifier") == product && Usable(offer)) offers.push_back(std::move(offer));
  }
  return offers;
}

// MobileDeviceSoftwareVersionsByVersion -> list -> MobileDeviceSoftwareVersions -> product -> build
// -> Restore {...}, or SameAs another build; some levels hold "Unknown" and "Universal" beside.
Result<std::vector<Offer>> ParseVendorList(std::string_view text, std::string_view product) {
  const auto parsed = plist::Plist::Parse(
      {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, kLargestCatalogue);
  if (!parsed || !parsed->Get()["MobileDeviceSoftwareVersionsByVersion"].IsDict())
    return Unfit("the vendor's version list");
  std::vector<Offer> offers;
  const auto take = [&](const std::string&, plist::View build) {
    const plist::View restore = build["Restore"];
    Offer offer;
    offer.product = product;
    offer.version = restore["ProductVersion"].String().value_or("");
    offer.build = restore["BuildVersion"].String().value_or("");
    offer.urls = {restore["FirmwareURL"].String().value_or("")};
    offer.sha1 = store::ParseSha1(restore["FirmwareSHA1"].String().value_or(""));
    if (Usable(offer) && offers.size() < kMostOffers) offers.push_back(std::move(offer));
  };
  parsed->Get()["MobileDeviceSoftwareVersionsByVersion"].ForEach(
      [&](const std::string&, plist::View list) {
        const plist::View builds = list["MobileDeviceSoftwareVersions"][std::string(product)];
        builds.ForEach(take);
        // An upgrade list keeps its builds one level further down.
        builds["Unknown"].ForEach(take);
      });
  return offers;
}

Result<std::vector<Offer>> Merge(std::vector<Offer> offers) {
  std::map<std::string, Offer> by_build;
  for (Offer& offer : offers) {
    const auto [at, fresh] = by_build.try_emplace(offer.build, offer);
    if (!fresh) STATION_CHECK(Add(at->second, offer));
  }
  std::vector<Offer> merged;
  for (auto& [build, offer] : by_build) merged.push_back(std::move(offer));
  std::ranges::sort(merged, Newer);
  return merged;
}

namespace {

Result<std::string> Get(const std::string& url, const HttpOptions& http) {
  STATION_CHECK(CheckUrl(url, false));
  STATION_TRY(answer, HttpGet::Open(url, std::nullopt, http));
  return answer.ReadAll(kLargestCatalogue);
}

}  // namespace

Result<std::vector<Offer>> AskCatalogues(const CatalogueSources& sources,
                                         const std::string& product) {
  struct Row {
    std::string url;
    Result<std::vector<Offer>> (*parse)(std::string_view, std::string_view);
  };
  std::vector<Row> rows;
  if (!sources.vendor_list_url.empty()) rows.push_back({sources.vendor_list_url, &ParseVendorList});
  if (!sources.ipsw_me_url.empty())
    rows.push_back({sources.ipsw_me_url + "/v4/device/" + product + "?type=ipsw", &ParseIpswMe});
  std::vector<Offer> all;
  std::optional<Error> last;
  bool any = false;
  for (const Row& row : rows) {
    auto offers = [&]() -> Result<std::vector<Offer>> {
      STATION_TRY(text, Get(row.url, sources.http));
      return row.parse(text, product);
    }();
    if (offers) {
      any = true;
      std::ranges::move(*offers, std::back_inserter(all));
      continue;
    }
    LogError(LogLevel::kWarning, "catalogue left out", offers.error(), {{"url", row.url}});
    last = std::move(offers).error();
  }
  if (!any)
    return Fail(ErrorCode::kFirmwareDownload,
                last ? "no catalogue answers: " + last->context : "no catalogue is configured");
  if (all.empty())
    return Fail(ErrorCode::kFirmwareAbsent, "no catalogue offers anything for " + product);
  return Merge(std::move(all));
}

}  // namespace station::fetcher
