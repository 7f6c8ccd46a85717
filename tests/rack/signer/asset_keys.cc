#include "tests/rack/signer/asset_keys.h"

#include <fmt/format.h>

#include "station/base/ids.h"
#include "tests/rack/image4/digest.h"

namespace rack {

// Of the address only its last part counts: a proxy may have changed what stands before it.
std::string AssetKeyAt(std::string_view url) {
  const std::string_view name = url.substr(url.rfind('/') + 1);
  return fmt::format("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
                     station::ToHex(Hash(HashKind::kSha384, AsBytes(name))));
}

}  // namespace rack
