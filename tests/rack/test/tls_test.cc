// The phone's half of TLS against a client as lenient and as old as hosts really are.

#include "tests/rack/wire/tls.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <thread>

#include "tests/rack/test/paired_host.h"

namespace rack {
namespace {

constexpr std::chrono::seconds kPatience{20};

class TlsTest : public testing::Test {
 protected:
  static const TestIdentity& Phone() {
    static const TestIdentity identity = MakeTestIdentity();
    return identity;
  }
  static const TestIdentity& Host() {
    static const TestIdentity identity = MakeTestIdentity();
    return identity;
  }

  TlsTest() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    phone_ = std::make_unique<Stream>(station::Fd(ends[0]));
    host_ = station::Fd(ends[1]);
  }

  // A host on the other end, which shows `identity` (or nothing) and speaks `version` at most.
  OwnedTls Connect(const TestIdentity* identity, int version) {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_security_level(context_.get(), 0);
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_.get(), version);
    if (identity != nullptr) {
      SSL_CTX_use_certificate(context_.get(), CertificateFromPem(identity->certificate).get());
      SSL_CTX_use_PrivateKey(context_.get(), KeyFromPem(identity->key).get());
    }
    OwnedTls ssl(SSL_new(context_.get()));
    SSL_set_fd(ssl.get(), host_.Get());
    return ssl;
  }

  [[nodiscard]] static TlsTerms Terms() {
    return {Phone().certificate, Phone().key, {Host().certificate}};
  }

  std::unique_ptr<Stream> phone_;
  station::Fd host_;
  OwnedTlsContext context_;
};

class TlsVersions : public TlsTest, public testing::WithParamInterface<int> {};

TEST_P(TlsVersions, CarryBothWaysAndEndInPlain) {
  const OwnedTls host = Connect(&Host(), GetParam());
  bool shaken = false;
  std::thread phone([&] {
    shaken = phone_->BeginTls(Terms());
    std::array<std::uint8_t, 4> heard;
    if (!shaken || !phone_->ReadExact(heard, kPatience)) return;
    phone_->Write(AsText(heard));
    phone_->EndTls();
    phone_->Write("plain");
  });
  ASSERT_EQ(SSL_connect(host.get()), 1);
  EXPECT_EQ(SSL_version(host.get()), GetParam());
  EXPECT_EQ(SSL_write(host.get(), "ping", 4), 4);
  std::array<char, 8> heard{};
  EXPECT_EQ(SSL_read(host.get(), heard.data(), 4), 4);
  EXPECT_STREQ(heard.data(), "ping");
  EXPECT_LE(SSL_read(host.get(), heard.data(), 1), 0);
  EXPECT_EQ(SSL_get_shutdown(host.get()) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
  SSL_shutdown(host.get());
  phone.join();
  EXPECT_TRUE(shaken);
  EXPECT_EQ(recv(host_.Get(), heard.data(), 5, MSG_WAITALL), 5);
  EXPECT_EQ(std::string(heard.data(), 5), "plain");
}

INSTANTIATE_TEST_SUITE_P(Table, TlsVersions,
                         testing::Values(TLS1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION));

class RefusedHosts : public TlsTest, public testing::WithParamInterface<bool> {};

TEST_P(RefusedHosts, DoNotGetThroughTheHandshake) {
  const TestIdentity stranger = MakeTestIdentity();
  const OwnedTls host = Connect(GetParam() ? &stranger : nullptr, TLS1_2_VERSION);
  bool shaken = true;
  std::thread phone([&] { shaken = phone_->BeginTls(Terms()); });
  EXPECT_NE(SSL_connect(host.get()), 1);
  phone.join();
  EXPECT_FALSE(shaken);
}

INSTANTIATE_TEST_SUITE_P(Table, RefusedHosts, testing::Bool(), [](const auto& row) {
  return row.param ? "StrangersCertificate" : "NoCertificate";
});

TEST_F(TlsTest, HostThatLeavesInTheMiddleIsNoHang) {
  host_.Close();
  EXPECT_FALSE(phone_->BeginTls(Terms()));
}

TEST_F(TlsTest, NonsenseIsRefused) {
  ASSERT_GT(send(host_.Get(), "GET / HTTP/1.0\r\n\r\n", 18, 0), 0);
  EXPECT_FALSE(phone_->BeginTls(Terms()));
}

}  // namespace
}  // namespace rack
