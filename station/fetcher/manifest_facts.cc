#include "station/fetcher/manifest_facts.h"

#include <algorithm>

#include "station/plist/plist.h"
#include "station/store/reader/inflate.h"

namespace station::fetcher {
namespace {

constexpr std::string_view kManifest = "BuildManifest.plist";
constexpr std::uint64_t kLargestManifest = 64U << 20U;
constexpr std::size_t kMostProducts = 256;

std::unexpected<Error> Unfit(std::string what) {
  return Fail(ErrorCode::kFirmwareMalformed, std::string(kManifest) + ": " + std::move(what));
}

Result<std::vector<std::uint8_t>> ReadMember(const firmware::ByteSource& source,
                                             const firmware::ZipMember& member) {
  if (member.size > kLargestManifest || member.compressed_size > kLargestManifest)
    return Unfit("it is " + std::to_string(member.size) + " bytes long");
  std::vector<std::uint8_t> raw(member.compressed_size);
  STATION_CHECK(source.ReadAt(member.data_offset, raw));
  if (member.method == firmware::ZipMethod::kStored) return raw;
  std::vector<std::uint8_t> bytes;
  store::Inflater inflater(member.size, member.crc32);
  auto fed = inflater.Feed(raw, [&](std::span<const std::uint8_t> part) -> Status {
    bytes.insert(bytes.end(), part.begin(), part.end());
    return {};
  });
  if (fed) fed = inflater.Finish();
  if (!fed) return Fail(std::move(fed).error(), kManifest);
  return bytes;
}

// Versions, builds and products end up in lists and labels: one printable word each.
bool IsWord(const std::string& text) {
  return !text.empty() && text.size() <= 64 &&
         std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

Result<std::string> Word(plist::View manifest, const std::string& key) {
  const auto text = manifest[key].String();
  if (!text || !IsWord(*text)) return Unfit("no usable " + key);
  return *text;
}

void CollectPaths(plist::View identity, ManifestFacts& facts) {
  identity["Manifest"].ForEach([&](const std::string& component, plist::View entry) {
    const auto path = entry["Info"]["Path"].String();
    if (!path) return;
    facts.paths.insert(*path);
    if (component == "OS") facts.os_paths.insert(*path);
  });
}

}  // namespace

Result<std::vector<std::uint8_t>> ReadManifest(const firmware::ByteSource& source,
                                               const firmware::ZipDirectory& directory) {
  const firmware::ZipMember* member = directory.Find(kManifest);
  if (member == nullptr) return Unfit("there is none, so this is no IPSW");
  return ReadMember(source, *member);
}

Result<ManifestFacts> ReadManifestFacts(const firmware::ByteSource& source,
                                        const firmware::ZipDirectory& directory) {
  STATION_TRY(bytes, ReadManifest(source, directory));
  auto parsed = plist::Plist::Parse(bytes, kLargestManifest);
  if (!parsed || !parsed->Get().IsDict()) return Unfit("it is no property list");
  const plist::View manifest = parsed->Get();

  ManifestFacts facts;
  STATION_TRY(version, Word(manifest, "ProductVersion"));
  STATION_TRY(build, Word(manifest, "ProductBuildVersion"));
  facts.version = std::move(version);
  facts.build = std::move(build);
  const plist::View products = manifest["SupportedProductTypes"];
  for (std::size_t i = 0; i < products.Size() && i < kMostProducts; ++i) {
    const auto product = products.At(i).String();
    if (!product || !IsWord(*product)) return Unfit("no usable SupportedProductTypes");
    facts.products.push_back(*product);
  }
  if (facts.products.empty()) return Unfit("no usable SupportedProductTypes");

  const plist::View identities = manifest["BuildIdentities"];
  for (std::size_t i = 0; i < identities.Size(); ++i) CollectPaths(identities.At(i), facts);
  for (const std::string& path : facts.paths)
    if (directory.Find(path) == nullptr)
      return Fail(ErrorCode::kFirmwareMemberMissing,
                  "the manifest names \"" + path + "\", which is not in the archive");
  return facts;
}

}  // namespace station::fetcher
