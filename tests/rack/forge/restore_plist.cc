#include "tests/rack/forge/restore_plist.h"

#include <set>
#include <string>

#include "tests/rack/forge/manifest.h"
#include "tests/rack/model/product.h"

namespace rack {
namespace {

constexpr std::size_t kModelLetters = 3;  // clients look kernels up by the model's first letters

// "d22ap" is the target "d22"
std::string TargetOf(const std::string& board) {
  return board.ends_with("ap") ? board.substr(0, board.size() - 2) : board;
}

std::string PathIn(const Value::Dict& components, std::string_view name) {
  for (const auto& [component, entry] : components)
    if (component == name) return PathOf(entry);
  return "";
}

void SetOnce(Value& dict, const std::string& key, Value value) {
  if (!key.empty() && dict.Find(key) == nullptr) dict.Set(key, std::move(value));
}

// Gathers what the identities say, first come first kept.
struct Lists {
  Value::Array devices;
  std::set<std::string> boards;
  Value::Array product_ids;
  Value kernels_by_target = Value::Dict{};
  Value kernels_by_platform = Value::Dict{};
  Value ramdisks = Value::Dict{};
  Value ramdisks_by_platform = Value::Dict{};
  Value images = Value::Dict{};
  Value partition_sizes = Value::Dict{};
  Value paddings = Value::Dict{};
  Value file_systems = Value::Dict{};

  void AddBoard(const Value& identity, const Value& info);
  void AddKernel(const std::string& board, const std::string& path);
  void AddRamdisk(const Value& identity, const Value& info, const std::string& path);
  void AddImage(const Value& info, const std::string& path);
};

void Lists::AddBoard(const Value& identity, const Value& info) {
  const std::string board = info.Text("DeviceClass");
  if (!boards.insert(board).second) return;
  const std::uint64_t chip = ChipOf(identity);
  const std::uint64_t number = BoardOf(identity);
  devices.push_back(Value::Dict{{"BDID", number},
                                {"BoardConfig", board},
                                {"CPID", chip},
                                {"Platform", PlatformOf(ChipOf(identity))},
                                {"SCEP", 0}});
  product_ids.emplace_back(number << 24U | chip);
  if (const Value* padding = info.Find("SystemPartitionPadding"))
    SetOnce(paddings, TargetOf(board), *padding);
}

void Lists::AddKernel(const std::string& board, const std::string& path) {
  const Value release = Value::Dict{{"Release", path}};
  SetOnce(kernels_by_target, TargetOf(board), release);
  SetOnce(kernels_by_target, board.substr(0, kModelLetters), release);
  SetOnce(kernels_by_platform, path.substr(path.rfind('.') + 1), release);
}

void Lists::AddRamdisk(const Value& identity, const Value& info, const std::string& path) {
  const char* const kind = IsUpdate(info) ? "Update" : "User";
  SetOnce(ramdisks, kind, path);
  const std::string platform = PlatformOf(ChipOf(identity));
  SetOnce(ramdisks_by_platform, platform, Value::Dict{});
  SetOnce(*ramdisks_by_platform.Find(platform), kind, path);
}

void Lists::AddImage(const Value& info, const std::string& path) {
  SetOnce(images, "User", path);
  SetOnce(file_systems, path, "APFS");
  if (const auto size = info.Number("MinimumSystemPartition"))
    SetOnce(partition_sizes, path, *size);
}

Lists Gather(const Value& manifest) {
  Lists lists;
  ForEachIdentity(
      manifest, [&](const Value& identity, const Value& info, const Value::Dict& components) {
        if (!IsRetail(info)) return;
        lists.AddBoard(identity, info);
        lists.AddKernel(info.Text("DeviceClass"), PathIn(components, "RestoreKernelCache"));
        lists.AddRamdisk(identity, info, PathIn(components, "RestoreRamDisk"));
        lists.AddImage(info, PathIn(components, "OS"));
      });
  return lists;
}

const Value& ListIn(const Value& manifest, const char* key) {
  static const Value none = Value::Array();
  const Value* list = manifest.Find(key);
  return list != nullptr && list->AsArray() != nullptr ? *list : none;
}

std::string FirstProduct(const Value& manifest) {
  const auto& products = *ListIn(manifest, "SupportedProductTypes").AsArray();
  return products.empty() || products[0].AsText() == nullptr ? "" : *products[0].AsText();
}

}  // namespace

Value RestorePlist(const Value& manifest) {
  Lists lists = Gather(manifest);
  const std::string product = FirstProduct(manifest);
  return Value::Dict{{"DeviceClass", product.substr(0, product.find_first_of("0123456789"))},
                     {"DeviceMap", std::move(lists.devices)},
                     {"FirmwareDirectory", "Firmware"},
                     {"KernelCachesByPlatform", std::move(lists.kernels_by_platform)},
                     {"KernelCachesByTarget", std::move(lists.kernels_by_target)},
                     {"MinimumSystemPartition", std::move(lists.partition_sizes)},
                     {"ProductBuildVersion", manifest.Text("ProductBuildVersion")},
                     {"ProductType", product},
                     {"ProductVersion", manifest.Text("ProductVersion")},
                     {"RamDisksByPlatform", std::move(lists.ramdisks_by_platform)},
                     {"RestoreRamDisks", std::move(lists.ramdisks)},
                     {"SupportedProductTypeIDs",
                      Value::Dict{{"DFU", lists.product_ids}, {"Recovery", lists.product_ids}}},
                     {"SupportedProductTypes", ListIn(manifest, "SupportedProductTypes")},
                     {"SystemPartitionPadding", std::move(lists.paddings)},
                     {"SystemRestoreImageFileSystems", std::move(lists.file_systems)},
                     {"SystemRestoreImages", std::move(lists.images)}};
}

Value SystemVersionPlist(const Value& manifest) {
  return Value::Dict{{"ProductBuildVersion", manifest.Text("ProductBuildVersion")},
                     {"ProductCopyright", "none: made by station-rack"},
                     {"ProductName", "iPhone OS"},
                     {"ProductVersion", manifest.Text("ProductVersion")}};
}

Value RestoreVersionPlist(const Value& manifest) {
  Value version = Value::Dict{};
  ForEachIdentity(manifest, [&](const Value& identity, const Value&, const Value::Dict&) {
    SetOnce(version, "RestoreLongVersion", identity.Text("Ap,OSLongVersion"));
  });
  if (version.Text("RestoreLongVersion").empty()) version.Erase("RestoreLongVersion");
  return version;
}

}  // namespace rack
