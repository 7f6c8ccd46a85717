#pragma once
// What the user can do at the screen: answer the phone's questions, lock and unlock it.

#include <string>

#include "tests/rack/model/phone.h"

namespace rack {

// "trust", "distrust", "lock", "unlock". False when there is no such thing to do.
[[nodiscard]] bool TapOn(Phone& phone, const std::string& what);

}  // namespace rack
