#pragma once
// The property lists beside the manifest that every IPSW carries, made from the manifest. Reference
// 3.1, 3.5.

#include "tests/rack/wire/value.h"

namespace rack {

[[nodiscard]] Value RestorePlist(const Value& manifest);
[[nodiscard]] Value SystemVersionPlist(const Value& manifest);
// Empty for firmware that knows no long version (before iOS 16).
[[nodiscard]] Value RestoreVersionPlist(const Value& manifest);

}  // namespace rack
