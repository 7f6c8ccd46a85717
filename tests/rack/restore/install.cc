// What the new system starts with: kernel, device tree, ticket, and what seals its volume.

#include "tests/rack/restore/boot_objects.h"
#include "tests/rack/restore/chapters.h"

namespace rack {
namespace {

constexpr int kKernelCache = 27;
constexpr int kDeviceTree = 61;

StepResult AskKernel(RestoreRun& run) {
  return AskImage(run, "KernelCache", "KernelCacheFile", "krnl");
}

StepResult AskDeviceTree(RestoreRun& run) {
  return AskImage(run, "DeviceTree", "DeviceTreeFile", "dtre");
}

StepResult AskTrustCache(RestoreRun& run) {
  return FetchPersonalised(run, "StaticTrustCache", "trst");
}

StepResult AskRootHash(RestoreRun& run) {
  return AskImage(run, "SystemImageRootHash", "SystemImageRootHashFile", "isys");
}

StepResult AskCanonicalMetadata(RestoreRun& run) {
  return AskImage(run, "SystemImageCanonicalMetadata", "SystemImageCanonicalMetadataFile", "msys");
}

// The volumes that start the phone next time must mount: without the right root hash they do not.
constexpr Step kSteps[] = {
    {.name = "kernel-cache",
     .checkpoint = {0xE00, "install_kernel_cache"},
     .operation = kKernelCache,
     .data_type = "KernelCache",
     .run = AskKernel},
    {.name = "device-tree",
     .checkpoint = {0xE01, "install_device_tree"},
     .operation = kDeviceTree,
     .data_type = "DeviceTree",
     .run = AskDeviceTree},
    {.name = "write-ticket", .checkpoint = {0xE03, "write_ticket"}},
    {.name = "trust-cache",
     .asked = [](const RestoreRun& run) { return run.os >= 16 && run.InTicket("trst"); },
     .data_type = "PersonalizedBootObjectV3",
     .run = AskTrustCache},
    {.name = "root-hash",
     .checkpoint = {0xE05, "install_system_volume_root_hash"},
     .asked = [](const RestoreRun& run) { return run.InTicket("isys"); },
     .data_type = "SystemImageRootHash",
     .run = AskRootHash,
     .status = kMountFailure},
    {.name = "canonical-metadata",
     .asked = [](const RestoreRun& run) { return run.InTicket("msys"); },
     .data_type = "SystemImageCanonicalMetadata",
     .run = AskCanonicalMetadata,
     .status = kMountFailure},
};

}  // namespace

std::span<const Step> InstallSteps() { return kSteps; }

}  // namespace rack
