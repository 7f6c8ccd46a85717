#include "tests/rack/restore/chapters.h"

namespace rack {
namespace {

constexpr Checkpoint kPrepare = {0x677, "perform_main_os_prepare"};
constexpr Checkpoint kInstalling = {0x67B, "perform_restore_installing"};
constexpr Checkpoint kKernel = {0x628, "install_kernel_cache"};
constexpr Checkpoint kFirmware = {0x635, "update_device_firmware"};

}  // namespace

std::vector<Chapter> ChaptersOf(const RestoreRun& run) {
  const Chapter image_awaited = {.steps = ImageAwaitedSteps()};
  const Chapter cryptexes = {.steps = CryptexSteps()};
  const Chapter install = {.opens = kKernel, .steps = InstallSteps(), .closes = kKernel};
  const Chapter factory_data = {.steps = FactoryDataRecoveredSteps()};
  const Chapter firmware = {.opens = kFirmware, .steps = FirmwareSteps(), .closes = kFirmware};
  const Chapter verified = {.steps = FactoryDataVerifiedSteps()};

  std::vector<Chapter> chapters = {
      {.steps = HostSteps()},
      {.steps = TicketSteps()},
      {.steps = OldSystemSteps()},
      {.opens = kPrepare, .steps = PartitionSteps()},
      {.steps = ImageSteps(), .closes = kPrepare},
      {.opens = kInstalling, .steps = FactoryDataSavedSteps()},
  };
  const auto add = [&](std::initializer_list<Chapter> more) {
    chapters.insert(chapters.end(), more);
  };
  // What needs the image waits for it at the end where it comes beside everything else.
  if (run.Asynchronous())
    add({factory_data, firmware, verified, image_awaited, cryptexes, install});
  else
    add({cryptexes, install, factory_data, firmware, verified});
  add({{.steps = SealingSteps(), .closes = kInstalling}, {.steps = FinishSteps()}});
  return chapters;
}

std::vector<std::string> StepNames() {
  std::vector<std::string> names;
  for (const Steps steps : {HostSteps(), TicketSteps(), OldSystemSteps(), PartitionSteps(),
                            ImageSteps(), ImageAwaitedSteps(), CryptexSteps(), InstallSteps(),
                            FactoryDataSavedSteps(), FactoryDataRecoveredSteps(), FirmwareSteps(),
                            FactoryDataVerifiedSteps(), SealingSteps(), FinishSteps()})
    for (const Step& step : steps) names.emplace_back(step.name);
  return names;
}

}  // namespace rack
