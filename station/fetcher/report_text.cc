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

}  // namespace

std::string EntryAsJson(const store::Entry& entry) {
  std::string products;
  for (const std::string& product : entry.products)
    products += (products.empty() ? "" : ",") + Quoted(product);
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
