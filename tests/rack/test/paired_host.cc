#include "tests/rack/test/paired_host.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sys/socket.h>

#include <array>

namespace rack {
namespace {

constexpr long kHour = 60 * 60;
constexpr timeval kPatience{20, 0};

std::string CertificateFor(EVP_PKEY* key, EVP_PKEY* signer) {
  const OwnedCertificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kHour);
  X509_set_pubkey(certificate.get(), key);
  X509_sign(certificate.get(), signer, EVP_sha1());
  return PemOf(certificate.get());
}

HostIdentity MakeHost() {
  TestIdentity root = MakeTestIdentity();
  const OwnedKey host(EVP_RSA_gen(2048));
  std::string certificate = CertificateFor(host.get(), KeyFromPem(root.key).get());
  return {std::move(root), std::move(certificate)};
}

// "RSA PUBLIC KEY", PKCS#1.
OwnedKey ReadPublicKey(const Bytes& pem) {
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* der = nullptr;
  long size = 0;
  PEM_read_bio(OverText(AsText(pem)).get(), &name, &header, &der, &size);
  EXPECT_STREQ(name, "RSA PUBLIC KEY");
  const unsigned char* at = der;
  OwnedKey key(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, size));
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_free(der);
  return key;
}

Value PemData(const std::string& text) { return Bytes(text.begin(), text.end()); }

}  // namespace

TestIdentity MakeTestIdentity() {
  const OwnedKey key(EVP_RSA_gen(2048));
  return {CertificateFor(key.get(), key.get()), PemOf(key.get())};
}

const HostIdentity& TestHost() {
  static const HostIdentity host = MakeHost();
  return host;
}

Value PairRecordFor(const std::string& host_id, const Bytes& device_public_key) {
  const OwnedKey device = ReadPublicKey(device_public_key);
  const OwnedKey root = KeyFromPem(TestHost().root.key);
  return Value::Dict{{"HostID", host_id},
                     {"SystemBUID", "BUID"},
                     {"RootCertificate", PemData(TestHost().root.certificate)},
                     {"HostCertificate", PemData(TestHost().host_certificate)},
                     {"DeviceCertificate", PemData(CertificateFor(device.get(), root.get()))}};
}

HostConnection::HostConnection(Attachment& attachment, std::uint16_t port) {
  int ends[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  fd_ = station::Fd(ends[0]);
  setsockopt(fd_.Get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  phone_ = std::make_shared<Stream>(station::Fd(ends[1]));
  const auto service = attachment.Find(port);
  EXPECT_TRUE(service) << "port " << port << " is closed";
  if (!service || !attachment.Join(phone_)) return;
  service_ = std::jthread([service, stream = phone_] {
    service(stream);
    stream->Shutdown();
  });
}

HostConnection::~HostConnection() {
  shutdown(fd_.Get(), SHUT_RDWR);
  if (phone_) phone_->Shutdown();
}

bool HostConnection::BeginTls() {
  context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_security_level(context_.get(), 0);
  SSL_CTX_use_certificate(context_.get(), CertificateFromPem(TestHost().root.certificate).get());
  SSL_CTX_use_PrivateKey(context_.get(), KeyFromPem(TestHost().root.key).get());
  ssl_.reset(SSL_new(context_.get()));
  SSL_set_fd(ssl_.get(), fd_.Get());
  return SSL_connect(ssl_.get()) == 1;
}

void HostConnection::Send(const Value& message) {
  const std::string body = message.ToXml();
  const auto size = static_cast<std::uint32_t>(body.size());
  std::string frame{static_cast<char>(size >> 24U), static_cast<char>(size >> 16U),
                    static_cast<char>(size >> 8U), static_cast<char>(size)};
  frame += body;
  if (ssl_)
    SSL_write(ssl_.get(), frame.data(), static_cast<int>(frame.size()));
  else
    (void)send(fd_.Get(), frame.data(), frame.size(), MSG_NOSIGNAL);
}

bool HostConnection::Read(void* out, std::size_t size) {
  auto* at = static_cast<char*>(out);
  while (size > 0) {
    const ssize_t got =
        ssl_ ? SSL_read(ssl_.get(), at, static_cast<int>(size)) : recv(fd_.Get(), at, size, 0);
    if (got <= 0) return false;
    at += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

std::optional<Value> HostConnection::Receive() {
  std::array<std::uint8_t, 4> header;
  if (!Read(header.data(), header.size())) return std::nullopt;
  Bytes body(std::size_t{header[0]} << 24U | std::size_t{header[1]} << 16U |
             std::size_t{header[2]} << 8U | header[3]);
  if (!Read(body.data(), body.size())) return std::nullopt;
  auto message = Value::Parse(body);
  return message ? std::optional(std::move(*message)) : std::nullopt;
}

std::optional<Value> HostConnection::Ask(const Value& request) {
  Send(request);
  return Receive();
}

}  // namespace rack
