#pragma once
// What the rack's signing server knows: for each chip generation a root, what issues leaves under
// it, and the key the leaves speak for.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "station/base/result.h"
#include "tests/rack/image4/der.h"
#include "tests/rack/model/product.h"

namespace rack {

// $XDG_CACHE_HOME/station-rack, or below ~/.cache: keys are made once for a machine, and never
// committed.
[[nodiscard]] std::string DefaultKeyFolder();

// A leaf that is not as it should be, for tests.
struct LeafShape {
  std::optional<Bytes> constraints = {};  // nothing: the extension is left out
  bool foreign_issuer = false;            // named after the true issuer, but signed by another key
  bool expired = false;
};

class SigningKeys {
 public:
  // Read from `folder`; what is missing there is made, which takes some seconds. Several processes
  // may ask at once.
  [[nodiscard]] static station::Result<SigningKeys> LoadOrCreate(const std::string& folder);

  // The roots of all generations, one after the other: what phones have burnt in.
  [[nodiscard]] std::string RootPem() const;
  // PKCS#1 v1.5 with the leaf's key.
  [[nodiscard]] Bytes Sign(der::Span bytes, const Generation& generation) const;
  // The certificates of a ticket for that chip, leaf last.
  [[nodiscard]] std::vector<Bytes> Chain(const Generation& generation, std::uint32_t chip) const;
  [[nodiscard]] std::vector<Bytes> ChainWith(const Generation& generation, std::uint32_t chip,
                                             const LeafShape& leaf) const;

 private:
  struct Set;
  [[nodiscard]] const Set& SetOf(const Generation& generation) const;
  std::map<HashKind, std::shared_ptr<const Set>>
      sets_;  // shared: keys are copied with their signer
};

}  // namespace rack
