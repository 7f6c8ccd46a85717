#pragma once
// The ticket for the application processor: why a request for one is refused, and what the signed
// manifest says.

#include <string>

#include "tests/rack/model/product.h"
#include "tests/rack/wire/value.h"

namespace rack {

// Why no AP ticket is given (STATUS 94, reference 5.6); empty when it is.
[[nodiscard]] std::string ApObjection(const Value& request, const ProductTable& products);

// Deliberate errors in an otherwise good ticket.
struct ApTicketFaults {
  bool wrong_ecid = false;
  bool wrong_nonce = false;
  bool repeatable = false;  // the server's own nonce follows from the phone's: no chance in it
};

// The SET that is signed, for a request found good.
[[nodiscard]] Bytes ApManifestBody(const Value& request, const ApTicketFaults& faults);

}  // namespace rack
