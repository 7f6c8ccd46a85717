#include "tests/rack/restore/assets.h"

#include <fmt/format.h>

#include "station/base/ids.h"
#include "tests/rack/image4/digest.h"
#include "tests/rack/signer/asset_keys.h"

namespace rack {
namespace {

constexpr std::string_view kMagic = "AEA1";
constexpr std::size_t kFixedHead = 12;  // magic, profile, length of what follows
constexpr std::size_t kLongestHead = 1U << 20U;
constexpr std::string_view kUrlKey = "com.apple.wkms.fcs-key-url";
constexpr std::uint64_t kOk = 200;

std::uint32_t Little32(std::span<const std::uint8_t> bytes, std::size_t at) {
  return std::uint32_t{bytes[at]} | std::uint32_t{bytes[at + 1]} << 8U |
         std::uint32_t{bytes[at + 2]} << 16U | std::uint32_t{bytes[at + 3]} << 24U;
}

// The answer of a fetch: the whole body in one message, and the right one.
Refusal Objection(const Value& answer, const std::string& url) {
  const Bytes* body = answer.Data("ResponseBody");
  if (answer.Number("ResponseStatus") != kOk)
    return {Reason::kAssetKey, fmt::format("ResponseStatus {} for {}",
                                           answer.Number("ResponseStatus").value_or(0), url)};
  if (body == nullptr || !answer.Flag("ResponseBodyDone"))
    return {Reason::kAssetKey, "no whole ResponseBody for " + url};
  const Value* headers = answer.Find("ResponseHeaders");
  if (headers == nullptr || headers->AsDict() == nullptr)
    return {Reason::kAssetKey, "no ResponseHeaders for " + url};
  if (AsText(*body) != AssetKeyAt(url))
    return {Reason::kAssetKey, "the body is not the key that lies at " + url};
  return {};
}

}  // namespace

std::string NewUuid() {
  const std::string hex = station::ToHex(RandomBytes(16));
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20));
}

std::optional<std::size_t> ArchiveHeadSize(std::span<const std::uint8_t> beginning) {
  if (beginning.size() < kFixedHead || AsText(beginning.first(kMagic.size())) != kMagic)
    return std::nullopt;
  const std::size_t size = kFixedHead + Little32(beginning, 8);
  return size <= kLongestHead ? std::optional(size) : std::nullopt;
}

std::optional<std::string> KeyUrlIn(std::span<const std::uint8_t> beginning) {
  const auto head = ArchiveHeadSize(beginning);
  if (!head) return std::nullopt;
  auto entries = beginning.first(std::min(*head, beginning.size())).subspan(kFixedHead);
  while (entries.size() >= sizeof(std::uint32_t)) {
    const std::size_t size = Little32(entries, 0);
    if (size < sizeof(std::uint32_t) || size > entries.size()) return std::nullopt;
    const std::string_view entry = AsText(entries.subspan(4, size - 4));
    const std::size_t end = entry.find('\0');
    if (end != std::string_view::npos && entry.substr(0, end) == kUrlKey)
      return std::string(entry.substr(end + 1));
    entries = entries.subspan(size);
  }
  return std::nullopt;
}

Value KeyRequest(const std::string& url) {
  return Value::Dict{{"RequestMethod", "GET"}, {"RequestURL", url}};
}

std::expected<void, Refusal> CheckKey(const Dialogue::Answer& answer, const std::string& url,
                                      Dialogue& dialogue) {
  Refusal objection = answer ? Objection(*answer, url) : answer.error();
  if (objection.reason == Reason::kNone) return {};
  if (!dialogue.Host().Async("StreamedImageDecryptionKey"))
    return std::unexpected(std::move(objection));
  const auto second =
      dialogue
          .RequestAsync(
              "StreamedImageDecryptionKey",
              Value::Dict{{"RequestMethod", "POST"},
                          {"RequestURL", url},
                          {"RequestAdditionalHeaders",
                           Value::Dict{{"Content-Type", "application/octet-stream"}}},
                          {"RequestBody", Bytes(AsBytes(url).begin(), AsBytes(url).end())}})
          .get();
  if (second && Objection(*second, url).reason == Reason::kNone) return {};
  return std::unexpected(std::move(objection));
}

}  // namespace rack
