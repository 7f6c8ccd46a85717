#include "tests/rack/wire/tls.h"

#include <openssl/err.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>

#include "tests/rack/wire/openssl.h"
#include "tests/rack/wire/stream.h"

namespace rack {
namespace {

constexpr std::chrono::seconds kHandshakePatience{10};
constexpr std::chrono::seconds kClosePatience{1};

bool Same(X509* certificate, const std::string& pem) {
  const OwnedCertificate other = CertificateFromPem(pem);
  return other && X509_cmp(certificate, other.get()) == 0;
}

// Pinned, not chained: pairing certificates have empty names and SHA-1 signatures, which no chain
// check would take (device-services 3.5, 3.6).
int CheckHost(X509_STORE_CTX* store, void* accepted) {
  X509* shown = X509_STORE_CTX_get0_cert(store);
  const auto& list = *static_cast<const std::vector<std::string>*>(accepted);
  return std::ranges::any_of(list, [&](const std::string& pem) { return Same(shown, pem); }) ? 1
                                                                                             : 0;
}

OwnedTlsContext MakeContext(const TlsTerms& terms, std::vector<std::string>& accepted) {
  OwnedTlsContext context(SSL_CTX_new(TLS_server_method()));
  const OwnedCertificate certificate = CertificateFromPem(terms.certificate);
  const OwnedKey key = KeyFromPem(terms.key);
  // Sessions made by hand stay at TLS 1.0, and their certificates at SHA-1 (device-services 3.6).
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_cipher_list(context.get(), "ALL:@SECLEVEL=0");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(context.get(), CheckHost, &accepted);
  if (!certificate || !key || SSL_CTX_use_certificate(context.get(), certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1)
    return nullptr;
  return context;
}

}  // namespace

struct TlsLayer::Engine {
  std::vector<std::string> accepted;  // the verification looks into it
  OwnedTlsContext context;
  OwnedTls ssl;
  BIO* in = nullptr;  // owned by ssl
  BIO* out = nullptr;
};

TlsLayer::TlsLayer(Stream& stream) : stream_(stream), engine_(std::make_unique<Engine>()) {}
TlsLayer::~TlsLayer() = default;

std::unique_ptr<TlsLayer> TlsLayer::Accept(Stream& stream, const TlsTerms& terms) {
  std::unique_ptr<TlsLayer> layer(new TlsLayer(stream));
  Engine& engine = *layer->engine_;
  engine.accepted = terms.accepted;
  engine.context = MakeContext(terms, engine.accepted);
  if (!engine.context) return nullptr;
  engine.ssl.reset(SSL_new(engine.context.get()));
  engine.in = BIO_new(BIO_s_mem());
  engine.out = BIO_new(BIO_s_mem());
  SSL_set_bio(engine.ssl.get(), engine.in, engine.out);
  SSL_set_accept_state(engine.ssl.get());
  return layer->Shake() ? std::move(layer) : nullptr;
}

bool TlsLayer::Shake() {
  ERR_clear_error();
  const auto deadline = std::chrono::steady_clock::now() + kHandshakePatience;
  while (true) {
    const int done = SSL_do_handshake(engine_->ssl.get());
    const int error = SSL_get_error(engine_->ssl.get(), done);
    if (!Flush()) return false;  // also an alert
    if (done == 1) return true;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (error == SSL_ERROR_WANT_READ && left.count() > 0 && Feed(left) == Fed::kYes) continue;
    const char* reason = ERR_reason_error_string(ERR_get_error());
    spdlog::info("tls handshake failed: {}", reason == nullptr ? "host gone" : reason);
    return false;
  }
}

TlsLayer::Fed TlsLayer::Feed(std::chrono::milliseconds timeout) {
  std::array<std::uint8_t, 16384> piece;
  const auto got = stream_.ReadPlain(piece, timeout);
  if (!got) return Fed::kTimeout;
  if (*got == 0) return Fed::kEnd;
  const std::lock_guard lock(engine_mutex_);
  BIO_write(engine_->in, piece.data(), static_cast<int>(*got));
  return Fed::kYes;
}

bool TlsLayer::Flush() {
  const std::lock_guard flushing(flush_mutex_);
  std::vector<std::uint8_t> records;
  {
    const std::lock_guard lock(engine_mutex_);
    records.resize(BIO_ctrl_pending(engine_->out));
    if (records.empty()) return true;
    BIO_read(engine_->out, records.data(), static_cast<int>(records.size()));
  }
  return stream_.WritePlain(records);
}

std::optional<std::size_t> TlsLayer::ReadSome(std::span<std::uint8_t> out,
                                              std::chrono::milliseconds timeout) {
  while (true) {
    int error = 0;
    {
      const std::lock_guard lock(engine_mutex_);
      ERR_clear_error();
      const int got = SSL_read(engine_->ssl.get(), out.data(),
                               static_cast<int>(std::min<std::size_t>(out.size(), 1U << 20U)));
      if (got > 0) return static_cast<std::size_t>(got);
      error = SSL_get_error(engine_->ssl.get(), got);
    }
    if (!Flush() || error != SSL_ERROR_WANT_READ) return 0;
    switch (Feed(timeout)) {
      case Fed::kYes:
        break;
      case Fed::kTimeout:
        return std::nullopt;
      case Fed::kEnd:
        return 0;
    }
  }
}

bool TlsLayer::Write(std::span<const std::uint8_t> bytes) {
  if (!bytes.empty()) {
    const std::lock_guard lock(engine_mutex_);
    ERR_clear_error();
    if (SSL_write(engine_->ssl.get(), bytes.data(), static_cast<int>(bytes.size())) <= 0)
      return false;
  }
  return Flush();
}

void TlsLayer::Close() {
  const auto deadline = std::chrono::steady_clock::now() + kClosePatience;
  while (true) {
    int done = 0;
    {
      const std::lock_guard lock(engine_mutex_);
      ERR_clear_error();
      done = SSL_shutdown(engine_->ssl.get());
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (!Flush() || done == 1 || left.count() <= 0 || Feed(left) != Fed::kYes) return;
  }
}

}  // namespace rack
