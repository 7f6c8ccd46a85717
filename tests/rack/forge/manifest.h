#pragma once
// A BuildManifest.plist as clients of every age need it: what is asked of its identities, which of
// them are kept, and how one entry's digest is made. Reference 3.2 to 3.4, 4.5.

#include <string>
#include <vector>

#include "station/base/result.h"
#include "tests/rack/image4/digest.h"
#include "tests/rack/model/product.h"
#include "tests/rack/wire/value.h"

namespace rack {

// Drops the identities of all other products ("iPhone10,1") and boards ("d20ap").
// kFirmwareMalformed when one that is named has none.
[[nodiscard]] station::Status KeepProducts(Value& manifest, const std::vector<std::string>& wanted,
                                           const ProductTable& products);

// Chip, board and domain as hexadecimal strings, UniqueBuildID as data: 1.0.0-class clients find no
// other identity. kFirmwareMalformed, naming the identity, where one has none of these or names a
// file outside the archive.
[[nodiscard]] station::Status ApplyTypeRules(Value& manifest);

// The chip an identity is for; 0 when it names none.
[[nodiscard]] std::uint32_t ChipOf(const Value& identity);
[[nodiscard]] std::uint32_t BoardOf(const Value& identity);
// Whether a client finds this identity by what it does (research identities are found by name
// only).
[[nodiscard]] bool IsRetail(const Value& identity_info);
[[nodiscard]] bool IsUpdate(const Value& identity_info);

// By HashMethod, else as the manifest's own digest, else as the chip's generation does.
[[nodiscard]] HashKind DigestKind(const Value& entry, const Value& identity);

// Every identity that has an Info and a Manifest.
template <typename Manifest, typename Visit>
void ForEachIdentity(Manifest& manifest, Visit visit) {
  auto* identities = manifest.Find("BuildIdentities");
  if (identities == nullptr || identities->AsArray() == nullptr) return;
  for (auto& identity : *identities->AsArray()) {
    auto* info = identity.Find("Info");
    auto* components = identity.Find("Manifest");
    if (info != nullptr && components != nullptr && components->AsDict() != nullptr)
      visit(identity, *info, *components->AsDict());
  }
}

// The Info.Path of an entry; empty when it has none.
[[nodiscard]] std::string PathOf(const Value& entry);

}  // namespace rack
