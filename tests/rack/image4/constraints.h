#pragma once
// The critical extension of a leaf certificate that says what it may sign: SET { MANP, OBJP }, each
// a SET of properties. A plain value must be met exactly, [0] asks for the property with any value,
// [1] allows it.

#include <cstdint>
#include <memory>
#include <optional>

#include "tests/rack/image4/ticket.h"

namespace rack {

inline constexpr const char* kConstraintsOid = "1.2.840.113635.100.6.1.15";

class LeafConstraints {
 public:
  // Nothing unless it is well-formed. Keeps a copy of the bytes.
  [[nodiscard]] static std::optional<LeafConstraints> Read(der::Span extension);
  [[nodiscard]] bool AllowIdentity(const PropertySet& identity) const;
  [[nodiscard]] bool AllowObject(const PropertySet& component) const;

 private:
  std::shared_ptr<const Bytes> bytes_;  // shared: the sets look into it, also when this is copied
  PropertySet identity_;
  PropertySet object_;
};

// As the leaves of real tickets have it: production tickets of one chip in security domain 1, epoch
// 1, for any board, ECID and nonces.
[[nodiscard]] Bytes WriteLeafConstraints(std::uint32_t chip);

}  // namespace rack
