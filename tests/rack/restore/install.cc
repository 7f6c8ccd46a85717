// Third chapter: what the new system starts with, from the kernel to the volume's metadata.

#include "tests/rack/restore/chapters.h"

namespace rack {
namespace {

constexpr int kInstallKernel = 27;

StepResult AskKernel(RestoreRun& run) {
  return AskImage(run, "KernelCache", "KernelCacheFile", "krnl");
}

StepResult AskDeviceTree(RestoreRun& run) {
  return AskImage(run, "DeviceTree", "DeviceTreeFile", "dtre");
}

StepResult AskRootHash(RestoreRun& run) {
  return AskImage(run, "SystemImageRootHash", "SystemImageRootHashFile", "isys");
}

StepResult AskCanonicalMetadata(RestoreRun& run) {
  return AskImage(run, "SystemImageCanonicalMetadata", "SystemImageCanonicalMetadataFile", "msys");
}

constexpr Step kSteps[] = {
    {.name = "kernel-cache",
     .checkpoint = {0x628, "install_kernel_cache"},
     .operation = kInstallKernel,
     .run = AskKernel},
    {.name = "device-tree", .run = AskDeviceTree},
    {.name = "root-hash",
     .asked =
         [](const RestoreRun& run) {
           return run.InTicket("isys") && run.Host().Data("SystemImageRootHash");
         },
     .run = AskRootHash},
    {.name = "canonical-metadata",
     .asked =
         [](const RestoreRun& run) {
           return run.InTicket("msys") && run.Host().Data("SystemImageCanonicalMetadata");
         },
     .run = AskCanonicalMetadata},
};

}  // namespace

std::span<const Step> InstallSteps() { return kSteps; }

}  // namespace rack
