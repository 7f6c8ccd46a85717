#pragma once
// As much of HTTP/1.1 as the signer and the download server need: one request a connection.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/rack/wire/stream.h"

namespace rack {

struct HttpRequest {
  std::string method;
  std::string target;
  std::string head;  // the header fields, as they came
  std::string body;
  // The field's value, whatever the case of its name; empty when absent.
  [[nodiscard]] std::string Field(std::string_view name) const;
};

// Nothing when the client went away, sent no HTTP, or more than is sensible.
[[nodiscard]] std::optional<HttpRequest> ReadHttpRequest(Stream& stream);

// A whole answer. `status` is "200 OK"; `fields` are complete lines.
[[nodiscard]] std::string HttpAnswer(std::string_view status, std::string_view body,
                                     std::string_view fields = "Content-Type: text/html\r\n");

// "http://host/path?query" and "/path?query" both give the path.
[[nodiscard]] std::string_view PathOf(std::string_view target);

}  // namespace rack
