#include "station/firmware/boot_order.h"

#include <array>

namespace station::firmware {
namespace {

struct Row {
  BootStage stage;
  const char* component;  // null: every component that iBEC loads
  bool essential;
  const char* before;
  const char* between;
  const char* use;
  const char* after;
  int rest_ms;
};

// clang-format off
constexpr auto kRows = std::to_array<Row>({
    {BootStage::kRom,   "iBSS",               false, "", "", "port reset", "", 0},
    {BootStage::kIboot, "iBEC",               true,  "", "", "go", "", 0},
    {BootStage::kIbec,  "RestoreLogo",        false, "", "", "setpicture 4", "bgcolor 0 0 0", 0},
    {BootStage::kIbec,  nullptr,              false, "", "", "firmware", "", 0},
    {BootStage::kIbec,  "RestoreRamDisk",     true,  "getenv ramdisk-size", "getenv ramdisk-delay", "ramdisk", "", 2000},
    {BootStage::kIbec,  "RestoreDeviceTree",  true,  "", "", "devicetree", "", 0},
    {BootStage::kIbec,  "RestoreSEP",         false, "", "", "rsepfirmware", "", 0},
    {BootStage::kIbec,  "RestoreKernelCache", true,  "", "", "bootx", "", 0},
});
// clang-format on

bool LoadedByIbec(const Component& component) {
  return component.Flag("IsLoadedByiBoot") && !component.Flag("IsLoadedByiBootStage1") &&
         component.Path();
}

BootItem Item(const Row& row, std::string component) {
  return {row.stage,
          std::move(component),
          row.before,
          row.between,
          row.use,
          row.after,
          std::chrono::milliseconds(row.rest_ms)};
}

}  // namespace

Result<std::vector<BootItem>> BootOrder(const Identity& identity) {
  std::vector<BootItem> order;
  for (const Row& row : kRows) {
    if (row.component == nullptr) {
      for (const Component& component : identity.Components())
        if (LoadedByIbec(component)) order.push_back(Item(row, component.Name()));
      continue;
    }
    const auto component = identity.Find(row.component);
    if (component && component->Path()) {
      order.push_back(Item(row, row.component));
    } else if (row.essential) {
      return Fail(ErrorCode::kFirmwareMemberMissing,
                  "the manifest for " + identity.Board() + " has no file for " + row.component);
    }
  }
  return order;
}

}  // namespace station::firmware
