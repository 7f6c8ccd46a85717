#include "tests/rack/forge/forge.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "station/base/fd.h"
#include "station/base/ids.h"
#include "tests/rack/forge/check.h"
#include "tests/rack/forge/contents.h"
#include "tests/rack/forge/manifest.h"
#include "tests/rack/forge/plan.h"
#include "tests/rack/forge/restore_plist.h"
#include "tests/rack/forge/side_files.h"
#include "tests/rack/forge/zip_writer.h"

namespace rack {
namespace {

using station::Result;
using station::Status;

constexpr std::string_view kBoardFolder = "all_flash.";
constexpr std::string_view kBoardFolderEnd = ".production";

class Forger {
 public:
  Forger(const ForgeOrder& order, ZipWriter zip) : order_(order), zip_(std::move(zip)) {}

  // Disk images come first, ramdisks with cryptexes last: they carry the recipes of the former and
  // the digests of the latter.
  [[nodiscard]] Result<ForgeResult> Run(Value& manifest, Plan& plan);

 private:
  [[nodiscard]] Status AddImages(Plan& plan);
  [[nodiscard]] Status AddImage(PlannedFile& file);
  [[nodiscard]] Status AddFile(PlannedFile& file);
  [[nodiscard]] Status AddTextManifests(const Plan& plan);
  [[nodiscard]] Status AddPlist(const std::string& name, const Value& plist);
  void Tell(const std::string& doing, std::uint64_t done, std::uint64_t total) const {
    if (order_.progress) order_.progress(doing, done, total);
  }

  const ForgeOrder& order_;
  ZipWriter zip_;
  ForgeResult result_;
};

// One hasher for each kind of digest that the manifest wants of an image.
class ImageHashers {
 public:
  explicit ImageHashers(const PlannedFile& file) {
    std::set<HashKind> kinds;
    for (const PlannedFile::Use& use : file.uses)
      if (kinds.insert(use.hash).second) hashers_.emplace_back(use.hash);
  }
  void Add(std::span<const std::uint8_t> bytes) {
    for (Hasher& hasher : hashers_) hasher.Add(bytes);
  }
  [[nodiscard]] std::vector<Bytes> Finish() {
    std::vector<Bytes> digests;
    for (Hasher& hasher : hashers_) digests.push_back(hasher.Finish());
    return digests;
  }

 private:
  std::vector<Hasher> hashers_;
};

const Bytes& OfKind(const std::vector<Bytes>& digests, HashKind kind) {
  return *std::ranges::find(digests, kind,
                            [](const Bytes& digest) { return HashKindForSize(digest.size()); });
}

void SetDigest(const PlannedFile::Use& use, const Bytes& digest) {
  if (use.entry->Data("Digest") != nullptr) use.entry->Set("Digest", digest);
}

Status Forger::AddImage(PlannedFile& file) {
  const bool is_os = file.main_component == "OS";
  ImageRecipe recipe{.seed = order_.seed,
                     .path = file.path,
                     .size = is_os ? order_.os_size : order_.cryptex_size,
                     .sparse = order_.sparse,
                     .digests = {}};
  const DiskImage image(recipe);
  ImageHashers hashers(file);
  std::uint64_t at = 0;
  const auto method = order_.deflate ? ZipWriter::Method::kDeflated : ZipWriter::Method::kStored;
  STATION_CHECK(zip_.Add(file.path, method, [&](std::span<std::uint8_t> out) {
    const auto piece =
        out.first(static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), recipe.size - at)));
    image.Fill(at, piece);
    hashers.Add(piece);
    at += piece.size();
    Tell(file.path, at, recipe.size);
    return piece.size();
  }));
  recipe.digests = hashers.Finish();
  for (const PlannedFile::Use& use : file.uses) SetDigest(use, OfKind(recipe.digests, use.hash));
  if (is_os) {
    result_.os_member = file.path;
    result_.os_digest = station::ToHex(OfKind(recipe.digests, file.uses.back().hash));
  }
  result_.images.push_back(std::move(recipe));
  return {};
}

Status Forger::AddImages(Plan& plan) {
  for (auto& [path, file] : plan)
    if (file.kind == FileKind::kDiskImage) STATION_CHECK(AddImage(file));
  for (auto& [path, file] : plan)
    for (const ImageRecipe& recipe : result_.images)
      if (file.images.contains(recipe.path)) file.marker.images.push_back(recipe);
  return {};
}

Status Forger::AddFile(PlannedFile& file) {
  Bytes contents = MakeContents(
      file, {.seed = order_.seed, .ramdisk = order_.ramdisk_size, .kernel = order_.kernel_size});
  STATION_CHECK(zip_.Add(file.path, ZipWriter::Method::kStored, contents));
  std::map<std::pair<std::string, HashKind>, Bytes> digests;  // identities share most uses
  for (const PlannedFile::Use& use : file.uses) {
    Bytes& digest = digests[{use.type, use.hash}];
    if (digest.empty()) digest = DigestOfUse(contents, use.type, use.hash);
    SetDigest(use, digest);
    *use.entry = WithSideDigests(use.component, *use.entry, *use.identity, contents);
  }
  return {};
}

// Of files that are written by now.
void AddDigests(PlannedFile& ramdisk) {
  for (const auto& [board, entries] : ramdisk.cryptexes)
    for (const auto& [component, entry] : entries)
      if (const Bytes* digest = entry->Data("Digest"))
        ramdisk.marker.digests[board][component] = *digest;
}

// Firmware with a folder for each board (before iOS 10) lists the folder's files in a text file;
// where boards share one folder there is none.
Status Forger::AddTextManifests(const Plan& plan) {
  std::map<std::string, std::string> lists;
  for (const auto& [path, file] : plan) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) continue;
    const std::string folder = path.substr(0, slash);
    if (folder.find(kBoardFolder) != std::string::npos && folder.ends_with(kBoardFolderEnd))
      lists[folder] += path.substr(slash + 1) + "\n";
  }
  for (const auto& [folder, list] : lists)
    STATION_CHECK(zip_.Add(folder + "/manifest", ZipWriter::Method::kDeflated, AsBytes(list)));
  return {};
}

Status Forger::AddPlist(const std::string& name, const Value& plist) {
  return zip_.Add(name, ZipWriter::Method::kDeflated, AsBytes(plist.ToXml()));
}

Result<ForgeResult> Forger::Run(Value& manifest, Plan& plan) {
  STATION_CHECK(AddImages(plan));
  for (auto& [path, file] : plan)
    if (file.kind != FileKind::kDiskImage && file.cryptexes.empty()) STATION_CHECK(AddFile(file));
  for (auto& [path, file] : plan) {
    if (file.cryptexes.empty()) continue;
    AddDigests(file);
    STATION_CHECK(AddFile(file));
  }
  STATION_CHECK(AddTextManifests(plan));
  STATION_CHECK(AddPlist("Restore.plist", RestorePlist(manifest)));
  STATION_CHECK(AddPlist("SystemVersion.plist", SystemVersionPlist(manifest)));
  if (const Value version = RestoreVersionPlist(manifest); !version.AsDict()->empty())
    STATION_CHECK(AddPlist("RestoreVersion.plist", version));
  STATION_CHECK(AddPlist("BuildManifest.plist", manifest));
  STATION_CHECK(zip_.Finish());
  result_.build = manifest.Text("ProductBuildVersion");
  result_.version = manifest.Text("ProductVersion");
  return std::move(result_);
}

Status Measure(const ForgeOrder& order, ForgeResult& result) {
  STATION_TRY(file, station::OpenForReading(order.out));
  struct stat facts {};
  if (fstat(file.Get(), &facts) != 0) return station::FailErrno("looking at " + order.out, errno);
  result.size = static_cast<std::uint64_t>(facts.st_size);
  result.disk_size = static_cast<std::uint64_t>(facts.st_blocks) * 512;
  Hasher hasher(HashKind::kSha256);
  std::uint64_t done = 0;
  STATION_CHECK(SparseFile(file).ForEachPiece(
      0, result.size, [&](std::span<const std::uint8_t> piece) -> Status {
        hasher.Add(piece);
        done += piece.size();
        if (order.progress) order.progress("SHA-256 of the file", done, result.size);
        return {};
      }));
  result.sha256 = station::ToHex(hasher.Finish());
  return {};
}

}  // namespace

Result<ForgeResult> Forge(const ForgeOrder& order) {
  STATION_TRY(text, station::ReadFile(order.manifest));
  STATION_TRY(manifest, Value::Parse(text));
  if (!order.products.empty()) {
    STATION_TRY(known, ProductTable::Load(ProductTable::DefaultFile()));
    STATION_CHECK(KeepProducts(manifest, order.products, known));
  }
  STATION_CHECK(ApplyTypeRules(manifest));
  STATION_TRY(plan, PlanFiles(manifest));
  STATION_TRY(zip, ZipWriter::Create(order.out));
  STATION_TRY(result, Forger(order, std::move(zip)).Run(manifest, plan));
  STATION_TRY(checked, CheckFirmware(order.out, order.progress));
  result.identities = checked.identities;
  result.digests = checked.digests;
  STATION_CHECK(Measure(order, result));
  return result;
}

}  // namespace rack
