#pragma once
// The signing server's judgement: a request in, a signed ticket or a refusal out. Answers as
// Apple's does.

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>

#include "tests/rack/image4/signing_keys.h"
#include "tests/rack/model/product.h"
#include "tests/rack/wire/value.h"

namespace rack {

// Faults of the signer, switched while it runs.
struct SignerFaults {
  bool wrong_ecid = false;
  bool wrong_nonce = false;
  bool repeatable = false;       // no fault: equal requests get equal tickets
  bool refuse = false;           // STATUS=94
  std::string refuse_updater{};  // the one that gets STATUS=94 (IsUpdaterName); empty: none
  int unavailable = 0;           // this many more answers are HTTP 503
  std::chrono::milliseconds delay{0};
};

class TicketSigner {
 public:
  TicketSigner(SigningKeys keys, ProductTable products)
      : keys_(std::move(keys)), products_(std::move(products)) {}

  // The body of the answer: "STATUS=...&MESSAGE=...[&REQUEST_STRING=<plist>]".
  [[nodiscard]] std::string Answer(const Value& request, const SignerFaults& faults) const;
  // One IM4M for a request that has been found good, of the generation of its ApChipID; also what
  // tests sign with.
  [[nodiscard]] Bytes Sign(const Value& request, const SignerFaults& faults = {}) const;
  [[nodiscard]] const SigningKeys& Keys() const { return keys_; }

 private:
  SigningKeys keys_;
  ProductTable products_;
};

}  // namespace rack
