// Last chapter: the phone will start its new system.

#include "tests/rack/restore/chapters.h"

namespace rack {
namespace {

constexpr int kFlashFirmware = 18;

StepResult SetBootCommand(RestoreRun& run) {
  run.dialogue.Progress(kFlashFirmware, 100);
  run.phone.ChangeAndSave([&run](PhoneState& state) {
    state.os_build = run.boot.ramdisk->build;
    state.os_version = run.boot.ramdisk->version;
    state.os_image_digest = run.image_digest;
    state.os_complete = true;
    state.nvram["auto-boot"] = "true";
    state.nvram.erase("boot-args");
    state.last_error = Refusal();
    ++state.restores_completed;
  });
  return {};
}

constexpr Step kSteps[] = {
    {.name = "finish", .checkpoint = {0x63F, "set_boot_command"}, .run = SetBootCommand},
    {.name = "final-status", .checkpoint = {0x648, "cleanup_send_final_status"}},
};

}  // namespace

std::span<const Step> FinishSteps() { return kSteps; }

}  // namespace rack
