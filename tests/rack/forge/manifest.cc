#include "tests/rack/forge/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "station/base/ids.h"

namespace rack {
namespace {

using station::ErrorCode;
using station::Fail;
using station::Status;

std::uint32_t NumberOf(const Value& identity, std::string_view key) {
  if (const auto number = identity.Number(key)) return static_cast<std::uint32_t>(*number);
  return static_cast<std::uint32_t>(std::strtoul(identity.Text(key).c_str(), nullptr, 0));
}

bool SameText(std::string_view one, std::string_view other) {
  return std::ranges::equal(one, other, [](unsigned char a, unsigned char b) {
    return std::tolower(a) == std::tolower(b);
  });
}

std::string ProductOf(const Value& identity, const ProductTable& products) {
  const Product* known = products.FindBoard(ChipOf(identity), BoardOf(identity));
  return known == nullptr ? identity.Text("Ap,ProductType") : known->type;
}

bool IsWanted(const Value& identity, const Value& info, const std::string& word,
              const ProductTable& products) {
  return SameText(info.Text("DeviceClass"), word) || SameText(ProductOf(identity, products), word);
}

// Product ids of DFU and recovery mode: the board in the top byte, the chip in the lower half.
std::uint64_t ProductId(const Value& identity) {
  return std::uint64_t{BoardOf(identity)} << 24U | ChipOf(identity);
}

template <typename Keep>
void KeepItems(Value* list, Keep keep) {
  if (list != nullptr && list->AsArray() != nullptr)
    std::erase_if(*list->AsArray(), [&](const Value& item) { return !keep(item); });
}

bool LeavesTheArchive(const std::string& path) {
  return path.starts_with('/') || path.find("..") != std::string::npos;
}

Status MakeHexText(Value& identity, const char* key, int digits, const std::string& shown) {
  const Value* value = identity.Find(key);
  if (value == nullptr) return Fail(ErrorCode::kFirmwareMalformed, shown + " has no " + key);
  if (value->AsNumber() != nullptr)
    identity.Set(key, fmt::format("0x{:0{}X}", *value->AsNumber(), digits));
  if (!identity.Text(key).starts_with("0x"))
    return Fail(ErrorCode::kFirmwareMalformed, shown + ": " + key + " is no hexadecimal number");
  return {};
}

Status ApplyToIdentity(Value& identity, const std::string& shown) {
  if (identity.Find("Info") == nullptr || identity.Find("Manifest") == nullptr ||
      identity.Find("Manifest")->AsDict() == nullptr)
    return Fail(ErrorCode::kFirmwareMalformed, shown + " has no Info or no Manifest");
  STATION_CHECK(MakeHexText(identity, "ApChipID", 4, shown));
  STATION_CHECK(MakeHexText(identity, "ApBoardID", 2, shown));
  STATION_CHECK(MakeHexText(identity, "ApSecurityDomain", 2, shown));
  if (identity.Data("UniqueBuildID") == nullptr)
    identity.Set("UniqueBuildID", Hash(HashKind::kSha1, AsBytes(identity.ToXml())));
  for (const auto& [name, entry] : *identity.Find("Manifest")->AsDict())
    if (LeavesTheArchive(PathOf(entry)))
      return Fail(ErrorCode::kFirmwareMalformed,
                  fmt::format("{}: {} lies outside the archive: {}", shown, name, PathOf(entry)));
  return {};
}

}  // namespace

std::uint32_t ChipOf(const Value& identity) { return NumberOf(identity, "ApChipID"); }
std::uint32_t BoardOf(const Value& identity) { return NumberOf(identity, "ApBoardID"); }

bool IsRetail(const Value& identity_info) {
  return !identity_info.Text("RestoreBehavior").empty() ||
         identity_info.Text("Variant").find("Research") == std::string::npos;
}

bool IsUpdate(const Value& identity_info) {
  const std::string stated = identity_info.Text("RestoreBehavior");
  if (!stated.empty()) return SameText(stated, "Update");
  return identity_info.Text("Variant").find("Upgrade") != std::string::npos;
}

HashKind DigestKind(const Value& entry, const Value& identity) {
  const Value* info = entry.Find("Info");
  const std::string method = info == nullptr ? "" : info->Text("HashMethod");
  if (method == "sha2-384") return HashKind::kSha384;
  if (method == "sha2-256") return HashKind::kSha256;
  if (method == "sha1") return HashKind::kSha1;
  const Bytes* old = entry.Data("Digest");
  if (old != nullptr && !old->empty()) return HashKindForSize(old->size());
  return GenerationOf(ChipOf(identity)).hash;
}

std::string PathOf(const Value& entry) {
  const Value* info = entry.Find("Info");
  return info == nullptr ? "" : info->Text("Path");
}

Status KeepProducts(Value& manifest, const std::vector<std::string>& wanted,
                    const ProductTable& products) {
  std::set<std::string> found;
  std::set<std::string> types;
  std::set<std::uint64_t> ids;
  KeepItems(manifest.Find("BuildIdentities"), [&](const Value& identity) {
    const Value* info = identity.Find("Info");
    if (info == nullptr) return false;
    const auto word = std::ranges::find_if(
        wanted, [&](const std::string& one) { return IsWanted(identity, *info, one, products); });
    if (word == wanted.end()) return false;
    found.insert(*word);
    types.insert(ProductOf(identity, products));
    ids.insert(ProductId(identity));
    return true;
  });
  for (const std::string& word : wanted)
    if (!found.contains(word))
      return Fail(ErrorCode::kFirmwareMalformed, "the manifest has no identity for " + word);
  KeepItems(manifest.Find("SupportedProductTypes"), [&](const Value& type) {
    return type.AsText() != nullptr && types.contains(*type.AsText());
  });
  if (Value* modes = manifest.Find("SupportedProductTypeIDs"); modes != nullptr)
    for (const char* mode : {"DFU", "Recovery"})
      KeepItems(modes->Find(mode), [&](const Value& id) {
        return id.AsNumber() != nullptr && ids.contains(*id.AsNumber());
      });
  return {};
}

Status ApplyTypeRules(Value& manifest) {
  Value* identities = manifest.Find("BuildIdentities");
  if (identities == nullptr || identities->AsArray() == nullptr || identities->AsArray()->empty())
    return Fail(ErrorCode::kFirmwareMalformed, "the manifest has no BuildIdentities");
  int number = 0;
  for (Value& identity : *identities->AsArray())
    STATION_CHECK(ApplyToIdentity(identity, fmt::format("identity {}", number++)));
  return {};
}

}  // namespace rack
