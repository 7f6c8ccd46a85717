#include "tests/rack/wire/http.h"

#include <fmt/format.h>

#include <strings.h>
#include <array>

namespace rack {
namespace {

constexpr std::size_t kLongestHead = 16U << 10U;
constexpr std::size_t kLongestBody = 4U << 20U;
constexpr std::chrono::seconds kPatience{10};

}  // namespace

std::string HttpRequest::Field(std::string_view name) const {
  for (std::size_t at = head.find("\r\n"); at != std::string::npos;
       at = head.find("\r\n", at + 2)) {
    const std::string_view line = std::string_view(head).substr(at + 2);
    if (line.size() <= name.size() || line[name.size()] != ':' ||
        strncasecmp(line.data(), name.data(), name.size()) != 0)
      continue;
    const std::string_view value =
        line.substr(name.size() + 1, line.find("\r\n") - name.size() - 1);
    const std::size_t begin = value.find_first_not_of(' ');
    return begin == std::string_view::npos ? "" : std::string(value.substr(begin));
  }
  return "";
}

std::optional<HttpRequest> ReadHttpRequest(Stream& stream) {
  std::string text;
  std::array<std::uint8_t, 16384> piece;
  std::size_t head_end = std::string::npos;
  while ((head_end = text.find("\r\n\r\n")) == std::string::npos) {
    const auto got = stream.ReadSome(piece, kPatience);
    if (!got || *got == 0 || text.size() > kLongestHead) return std::nullopt;
    text.append(AsText(std::span(piece).first(*got)));
  }
  HttpRequest request;
  request.head = text.substr(0, head_end + 2);
  const std::size_t first = request.head.find(' ');
  const std::size_t second = request.head.find(' ', first + 1);
  if (second == std::string::npos) return std::nullopt;
  request.method = request.head.substr(0, first);
  request.target = request.head.substr(first + 1, second - first - 1);
  const std::string length = request.Field("content-length");
  const std::size_t size = length.empty() ? 0 : std::strtoull(length.c_str(), nullptr, 10);
  if (size > kLongestBody) return std::nullopt;
  if (request.Field("expect") == "100-continue") stream.Write("HTTP/1.1 100 Continue\r\n\r\n");
  request.body = text.substr(head_end + 4);
  while (request.body.size() < size) {
    const auto got = stream.ReadSome(piece, kPatience);
    if (!got || *got == 0) return std::nullopt;
    request.body.append(AsText(std::span(piece).first(*got)));
  }
  return request;
}

std::string HttpAnswer(std::string_view status, std::string_view body, std::string_view fields) {
  return fmt::format("HTTP/1.1 {}\r\n{}Content-Length: {}\r\nConnection: close\r\n\r\n{}", status,
                     fields, body.size(), body);
}

std::string_view PathOf(std::string_view target) {
  if (target.starts_with("http://")) {
    const std::size_t slash = target.find('/', 7);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  return target.substr(0, target.find('?'));
}

}  // namespace rack
