// The phone will start its new system.

#include "tests/rack/restore/chapters.h"

namespace rack {
namespace {

constexpr int kModifyBootArguments = 25;
constexpr int kSeal = 77;

// What came of HostSystemTime, if anything did.
StepResult SetTime(RestoreRun& run) {
  if (!run.host_time.valid()) return {};
  const auto answer = run.host_time.get();
  const Value* time = answer ? answer->Find("SetHostTimeOnDevice") : nullptr;
  if (answer && (time == nullptr || (time->AsReal() == nullptr && time->AsNumber() == nullptr)))
    return Refused(Reason::kAnswerMissing, "HostSystemTime was answered without a time");
  return {};
}

StepResult SetBootCommand(RestoreRun& run) {
  if (run.phone.Take(&PhoneFaults::false_success)) return {};
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

// The last of the installation, whatever the order of the rest.
constexpr Step kSealing[] = {
    {.name = "seal",
     .checkpoint = {0x68B, "seal_system_volume"},
     .operation = kSeal,
     .asked = [](const RestoreRun& run) { return run.InTicket("isys"); }},
};

constexpr Step kSteps[] = {
    {.name = "recovery-os", .checkpoint = {0x1600, "recovery_os_restore"}},
    {.name = "set-time",
     .asked = [](const RestoreRun& run) { return run.host_time.valid(); },
     .run = SetTime},
    {.name = "nvram-variables", .checkpoint = {0x63B, "set_nvram_variables"}},
    {.name = "boot-arguments",
     .checkpoint = {0x639, "persistent_boot_args"},
     .operation = kModifyBootArguments},
    {.name = "finish", .checkpoint = {0x63F, "set_boot_command"}, .run = SetBootCommand},
    {.name = "autoboot-delay", .checkpoint = {0x640, "set_autoboot_delay"}},
    {.name = "check-result", .checkpoint = {0x647, "cleanup_check_result"}},
};

}  // namespace

std::span<const Step> SealingSteps() { return kSealing; }
std::span<const Step> FinishSteps() { return kSteps; }

}  // namespace rack
