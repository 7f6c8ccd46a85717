#include "station/fetcher/report_text.h"

#include "station/base/ids.h"

namespace station::fetcher {
namespace {

std::string Quoted(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string json = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      json += {'\\', c};
    } else if (byte < 0x20 || byte == 0x7f) {
      json += "\\u00";
      json += {kHex[byte >> 4U], kHex[byte & 0xfU]};
    } else {
      json += c;
    }
  }
  return json + "\"";
}

std::string QuotedList(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ",") + Quoted(text);
  return list;
}

template <typename Digest>
std::string HexOrNull(const std::optional<Digest>& digest) {
  return digest ? Quoted(ToHex(*digest)) : "null";
}

const char* Word(IsSigned is_signed) {
  switch (is_signed) {
    case IsSigned::kNotAsked:
      return "unknown";
    case IsSigned::kYes:
      return "yes";
    case IsSigned::kNo:
      return "no";
  }
  return "unknown";
}

}  // namespace

std::string OfferAsJson(const FoundOffer& found) {
  const Offer& offer = found.offer;
  return R"({"product":)" + Quoted(offer.product) + R"(,"version":)" + Quoted(offer.version) +
         R"(,"build":)" + Quoted(offer.build) + R"(,"urls":[)" + QuotedList(offer.urls) +
         R"(],"size":)" + (offer.size ? std::to_string(*offer.size) : "null") + R"(,"sha1":)" +
         HexOrNull(offer.sha1) + R"(,"sha256":)" + HexOrNull(offer.sha256) + R"(,"signed":")" +
         Word(found.is_signed) + R"("})";
}

std::string EntryAsJson(const store::Entry& entry) {
  const std::string products = QuotedList(entry.products);
  return R"({"sha256":")" + ToHex(entry.sha256) + R"(","size":)" + std::to_string(entry.size) +
         R"(,"version":)" + Quoted(entry.version) + R"(,"build":)" + Quoted(entry.build) +
         R"(,"products":[)" + products + R"(],"source":)" + Quoted(entry.source) +
         R"(,"added_unix":)" + std::to_string(entry.added_unix) + "}";
}

std::string Printable(std::string_view text) {
  std::string printable(text);
  for (char& c : printable)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  return printable;
}

}  // namespace station::fetcher
