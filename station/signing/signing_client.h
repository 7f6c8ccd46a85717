#pragma once
// Talks to the signing server (restore-protocol 5.1, 5.2, 5.6).

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>

#include "station/base/result.h"
#include "station/plist/plist.h"

namespace station::signing {

struct SigningServer {
  std::string url;                // http:// or https://; without a path, the usual one is meant
  std::filesystem::path ca_file;  // PEM roots for https; empty: the system's
};

// Called before each pause between attempts; false gives up (the job was cancelled).
using KeepGoing = std::function<bool(std::chrono::milliseconds pause)>;

class SigningClient {
 public:
  SigningClient(SigningServer server, KeepGoing keep_going);

  // Adds what identifies the client where the request does not, posts it, and answers the server's
  // dictionary. TLS is always verified. Only what can pass is tried again (5 attempts, 1 s to 8 s
  // apart): network failures (kSigningUnreachable) and an overloaded server (kSigningBusy: HTTP
  // 5xx, 429). Refusals (5.6): kSigningNotSigned (94, 69), kSigningBasebandRefused (8, 49),
  // kSigningMalformed (100, 126, 511), kSigningDeclined (128), kSigningNonceRefused (by its
  // message), kSigningRefused (any other). Also kSigningBadAnswer, kCancelled.
  [[nodiscard]] Result<plist::Plist> Ask(plist::Plist request) const;

 private:
  [[nodiscard]] Result<std::string> Post(const std::string& body) const;
  SigningServer server_;
  KeepGoing keep_going_;
};

// "STATUS=0&MESSAGE=SUCCESS&REQUEST_STRING=<plist>" to the dictionary; errors as Ask. Bytes from
// outside: bounded.
[[nodiscard]] Result<plist::Plist> ParseAnswer(const std::string& body);

}  // namespace station::signing
