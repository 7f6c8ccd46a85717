#pragma once
// A host that pairs with a phone and opens sessions, for tests that look at single answers.

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "tests/rack/lockdown/lockdownd.h"
#include "tests/rack/wire/openssl.h"

namespace rack {

// A self-signed certificate as libimobiledevice 1.3.0 makes them: empty names, serial 0, SHA-1
// (device-services 3.5).
struct TestIdentity {
  std::string certificate;
  std::string key;
};
[[nodiscard]] TestIdentity MakeTestIdentity();

// What a host pairs with; made once for a test program.
struct HostIdentity {
  TestIdentity root;
  std::string host_certificate;
};
[[nodiscard]] const HostIdentity& TestHost();
// The PairRecord for a phone with that DevicePublicKey.
[[nodiscard]] Value PairRecordFor(const std::string& host_id, const Bytes& device_public_key);

// One connection to a served port of `attachment`, plain or TLS.
class HostConnection {
 public:
  HostConnection(Attachment& attachment, std::uint16_t port);
  ~HostConnection();
  HostConnection(const HostConnection&) = delete;
  HostConnection& operator=(const HostConnection&) = delete;

  // Nothing when the phone has ended the connection.
  std::optional<Value> Ask(const Value& request);
  void Send(const Value& message);
  std::optional<Value> Receive();
  // As TLS client, with the root's certificate as 1.3.0 does.
  [[nodiscard]] bool BeginTls();

 private:
  bool Read(void* out, std::size_t size);

  station::Fd fd_;
  OwnedTlsContext context_;
  OwnedTls ssl_;
  std::shared_ptr<Stream> phone_;
  std::jthread service_;
};

}  // namespace rack
