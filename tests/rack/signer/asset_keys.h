#pragma once
// The keys of encrypted disk images: not secret here, and the same for everybody who knows where
// they lie.

#include <string>
#include <string_view>

namespace rack {

// The body of a key that lies at this address. Its form is PEM, as of real ones; nothing opens with
// it.
[[nodiscard]] std::string AssetKeyAt(std::string_view url);

}  // namespace rack
