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

  // Adds what identifies the client, posts it, and answers the server's dictionary. TLS is always verified. Network
  // failures and HTTP 5xx are tried again (5 attempts, 1 s to 8 s apart), refusals are not.
  // kSigningUnreachable, kSigningNotSigned (94, 69), kSigningRefused (any other status), kSigningBadAnswer, kCancelled.
  [[nodiscard]] Result<plist::Plist> Ask(plist::Plist request) const;

 private:
  [[nodiscard]] Result<std::string> Post(const std::string& body) const;
  SigningServer server_;
  KeepGoing keep_going_;
};

// "STATUS=0&MESSAGE=SUCCESS&REQUEST_STRING=<plist>" to the dictionary; errors as Ask. Bytes from outside: bounded.
[[nodiscard]] Result<plist::Plist> ParseAnswer(const std::string& body);

}  // namespace station::signing
