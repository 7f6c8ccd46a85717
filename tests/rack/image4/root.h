#pragma once
// What boot stages have burnt in: the root certificate of their generation. Chips know no clock, so
// nobody asks whether a certificate has expired (those of real A7 to A9 tickets have).

#include <expected>
#include <map>
#include <memory>
#include <string>

#include "station/base/result.h"
#include "tests/rack/image4/constraints.h"
#include "tests/rack/image4/ticket.h"
#include "tests/rack/model/product.h"

namespace rack {

class RootOfTrust {
 public:
  enum class Fault { kChain, kSignature, kConstraints };

  // From the roots that SigningKeys gives out; kBadRequest unless there is one for each generation.
  [[nodiscard]] static station::Result<RootOfTrust> FromPem(const std::string& pem);

  // Chain of that generation's shape, signature over the signed part, leaf's constraints met by
  // MANP: then what the leaf allows. A ticket of another generation fails as kChain.
  [[nodiscard]] std::expected<LeafConstraints, Fault> Check(const Ticket& ticket,
                                                            const Generation& generation) const;

 private:
  std::map<HashKind, std::shared_ptr<void>> roots_;  // X509; shared: every phone has a copy
};

}  // namespace rack
