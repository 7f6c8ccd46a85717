#include "tests/rack/signer/server.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace rack {
namespace {

constexpr std::string_view kPath = "/TSS/controller";
constexpr std::size_t kLongestHead = 16U << 10U;
constexpr std::size_t kLongestBody = 4U << 20U;
constexpr std::chrono::seconds kPatience{10};
constexpr int kBacklog = 128;

struct HttpRequest {
  std::string method;
  std::string target;
  std::string body;
};

std::string HttpAnswer(std::string_view status, std::string_view body) {
  return fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
      status, body.size(), body);
}

// The value of a header field in the head, whatever its case; empty when absent.
std::string HeaderField(std::string_view head, std::string_view name) {
  std::string lower(head);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const std::size_t at = lower.find("\r\n" + std::string(name) + ":");
  if (at == std::string::npos) return "";
  const std::size_t begin = lower.find_first_not_of(' ', at + name.size() + 3);
  return lower.substr(begin, lower.find("\r\n", begin) - begin);
}

std::optional<HttpRequest> ReadRequest(Stream& stream) {
  std::string text;
  std::array<std::uint8_t, 16384> piece;
  std::size_t head_end = std::string::npos;
  while ((head_end = text.find("\r\n\r\n")) == std::string::npos) {
    const auto got = stream.ReadSome(piece, kPatience);
    if (!got || *got == 0 || text.size() > kLongestHead) return std::nullopt;
    text.append(AsText(std::span(piece).first(*got)));
  }
  const std::string head = text.substr(0, head_end + 2);
  HttpRequest request;
  const std::size_t first = head.find(' ');
  const std::size_t second = head.find(' ', first + 1);
  if (second == std::string::npos) return std::nullopt;
  request.method = head.substr(0, first);
  request.target = head.substr(first + 1, second - first - 1);
  const std::string length = HeaderField(head, "content-length");
  const std::size_t size = length.empty() ? 0 : std::strtoull(length.c_str(), nullptr, 10);
  if (size > kLongestBody) return std::nullopt;
  if (HeaderField(head, "expect") == "100-continue") stream.Write("HTTP/1.1 100 Continue\r\n\r\n");
  request.body = text.substr(head_end + 4);
  while (request.body.size() < size) {
    const auto got = stream.ReadSome(piece, kPatience);
    if (!got || *got == 0) return std::nullopt;
    request.body.append(AsText(std::span(piece).first(*got)));
  }
  return request;
}

// "http://host/path?query" and "/path?query" both give the path.
std::string_view PathOf(std::string_view target) {
  if (target.starts_with("http://")) {
    const std::size_t slash = target.find('/', 7);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  return target.substr(0, target.find('?'));
}

}  // namespace

station::Result<std::unique_ptr<SignerServer>> SignerServer::Start(SigningKeys keys,
                                                                     ProductTable products) {
  STATION_TRY(listener, ListenLoopback(0, kBacklog));
  return std::unique_ptr<SignerServer>(new SignerServer(
      TicketSigner(std::move(keys), std::move(products)), std::move(listener)));
}

SignerServer::SignerServer(TicketSigner signer, TcpListener listener)
    : signer_(std::move(signer)), port_(listener.port) {
  server_ = std::make_unique<SocketServer>(
      std::move(listener.fd), [this](const std::shared_ptr<Stream>& stream) { Serve(*stream); });
}

SignerFaults SignerServer::Faults() const {
  const std::lock_guard lock(mutex_);
  return faults_;
}

void SignerServer::SetFaults(const SignerFaults& faults) {
  const std::lock_guard lock(mutex_);
  faults_ = faults;
}

bool SignerServer::TakeUnavailable() {
  const std::lock_guard lock(mutex_);
  if (faults_.unavailable <= 0) return false;
  --faults_.unavailable;
  return true;
}

void SignerServer::Serve(Stream& stream) {
  const auto request = ReadRequest(stream);
  if (!request) return;
  std::array<std::uint8_t, 1> nothing;
  const auto delay =
      Faults().delay;  // a read that finds nothing: ends early when the client or the rack goes
  if (delay.count() > 0) (void)stream.ReadSome(nothing, delay);
  stream.Write(AnswerTo(request->method, request->target, request->body));
  spdlog::info("signer method={} target={} bytes={}", request->method, request->target,
               request->body.size());
}

std::string SignerServer::AnswerTo(const std::string& method, const std::string& target,
                                   const std::string& body) {
  const std::string_view path = PathOf(target);
  if (method == "GET" && path == "/catalogue" && target.starts_with('/'))
    return HttpAnswer("200 OK", "[]\n");
  if (method != "POST" || path != kPath)
    return HttpAnswer("502 Bad Gateway", "The rack's signer reaches nothing outside.\n");
  ++asked_;
  if (TakeUnavailable()) return HttpAnswer("503 Service Unavailable", "<html>try again</html>\n");
  const SignerFaults faults = Faults();
  const auto request = Value::Parse(body);
  if (!request) return HttpAnswer("200 OK", "STATUS=511&MESSAGE=No data in the request");
  return HttpAnswer("200 OK", signer_.Answer(*request, faults));
}

}  // namespace rack
