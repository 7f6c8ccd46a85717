#pragma once
// Sessions of trusted hosts, and the services they start.

#include "tests/rack/lockdown/client.h"
#include "tests/rack/wire/tls.h"

namespace rack {

[[nodiscard]] LockdownReply StartSession(LockdownClient& client, const Value& request);
[[nodiscard]] LockdownReply StopSession(LockdownClient& client, const Value& request);
[[nodiscard]] LockdownReply StartService(LockdownClient& client, const Value& request);

// How TLS is spoken with the host of that pairing.
[[nodiscard]] TlsTerms TermsOf(Phone& phone, const Pairing& pairing);

}  // namespace rack
