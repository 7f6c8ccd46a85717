#include "tests/rack/signer/server.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <array>

#include "tests/rack/signer/asset_keys.h"
#include "tests/rack/wire/http.h"

namespace rack {
namespace {

constexpr std::string_view kPath = "/TSS/controller";
constexpr std::string_view kKeyPath = "/fcs-keys/";
constexpr int kBacklog = 128;

}  // namespace

station::Result<std::unique_ptr<SignerServer>> SignerServer::Start(SigningKeys keys,
                                                                   ProductTable products) {
  STATION_TRY(listener, ListenLoopback(0, kBacklog));
  return std::unique_ptr<SignerServer>(
      new SignerServer(TicketSigner(std::move(keys), std::move(products)), std::move(listener)));
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
  const auto request = ReadHttpRequest(stream);
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
  if ((method == "GET" || method == "POST") && path.starts_with(kKeyPath))
    return HttpAnswer("200 OK", AssetKeyAt(path));
  if (method != "POST" || path != kPath)
    return HttpAnswer("502 Bad Gateway", "The rack's signer reaches nothing outside.\n");
  ++asked_;
  if (TakeUnavailable()) return HttpAnswer("503 Service Unavailable", "<html>try again</html>\n");
  const SignerFaults faults = Faults();
  const auto request = Value::Parse(body);
  if (!request) return HttpAnswer("200 OK", "STATUS=511&MESSAGE=No data in the request");
  recorder_->Note({.channel = "signer", .toward = Toward::kPhone, .kind = "request"}, *request);
  return HttpAnswer("200 OK", signer_.Answer(*request, faults));
}

}  // namespace rack
