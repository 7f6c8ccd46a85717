// What is kept of the old system, and the format that is the point of no return.

#include <fmt/format.h>

#include "tests/rack/restore/chapters.h"

namespace rack {
namespace {

constexpr int kPartitionMap = 11;
constexpr int kFilesystem = 12;
constexpr int kMount = 16;
constexpr int kUnmount = 29;
constexpr int kDateAndTime = 30;
constexpr int kOtaLogs = 44;
constexpr int kDeleteRecovery = 68;
constexpr std::chrono::seconds kTimePatience{2};

// Erases of iOS up to 14 in public logs; neither reference 6.10 nor logs of iOS 18 have it.
bool MakesPartitions(const RestoreRun& run) { return run.Erases() && run.os < 15; }

StepResult AskFdrTrust(RestoreRun& run) {
  const auto answer = run.dialogue.Request("FDRTrustData");
  if (!answer) return std::unexpected(answer.error());
  return {};
}

// The log an earlier attempt has left, when it failed.
StepResult TellEarlierLog(RestoreRun& run) {
  const Refusal last = run.phone.State().last_error;
  if (last.reason == Reason::kNone || !run.Host().Message("PreviousRestoreLogMsg")) return {};
  run.dialogue.Tell(Value::Dict{
      {"MsgType", "PreviousRestoreLogMsg"},
      {"PreviousRestoreLog", fmt::format("restore ended: {} {}", Name(last.reason), last.detail)}});
  return {};
}

// Data about earlier updates goes through the host's proxy. A phone that cannot send it goes on.
StepResult SubmitStatistics(RestoreRun& run) {
  if (run.fdr.Present()) (void)run.fdr.Ping();
  return {};
}

// The point of no return of an erase: the key that wrapped the user's data is destroyed. An update
// shows the checkpoint too, and touches nothing.
StepResult FormatEffaceable(RestoreRun& run) {
  if (!run.Erases()) return {};
  run.phone.ChangeAndSave([](PhoneState& state) {
    state.os_complete = false;
    state.os_image_digest.clear();
    state.DestroyUserData();
  });
  return {};
}

// From here on, update or erase, nothing boots but a further restore.
StepResult FormatSystem(RestoreRun& run) {
  run.phone.ChangeAndSave([](PhoneState& state) {
    state.os_complete = false;
    state.os_image_digest.clear();
  });
  run.dialogue.Progress(kFilesystem, 100);
  return {};
}

// Current hosts announce it and yet leave it unanswered (reference 6.7): asked for, never waited
// for.
StepResult AskHostTime(RestoreRun& run) {
  run.host_time = run.dialogue.RequestAsync("HostSystemTime", {}, kTimePatience);
  return {};
}

constexpr Step kOldSystem[] = {
    {.name = "mount-system", .checkpoint = {0x614, "mount_system_partition"}, .operation = kMount},
    {.name = "old-build", .checkpoint = {0x654, "read_previous_os_build_version"}},
    {.name = "downgrade-check", .checkpoint = {0x697, "downgrade_check"}},
    {.name = "hardware-info", .checkpoint = {0x615, "copy_hardware_info"}},
    {.name = "fdr-trust",
     .checkpoint = {0x616, "fdr_create"},
     .data_type = "FDRTrustData",
     .run = AskFdrTrust,
     .status = kFdrFailure},
    {.name = "fdr-save", .checkpoint = {0x617, "fdr_save_data"}},
    {.name = "baseband-migration", .checkpoint = {0x618, "store_baseband_migration"}},
    {.name = "earlier-log", .checkpoint = {0x619, "check_for_restore_log"}, .run = TellEarlierLog},
    {.name = "ota-logs", .checkpoint = {0x61A, "check_for_ota_logs"}, .operation = kOtaLogs},
    {.name = "statistics", .checkpoint = {0x61B, "submit_update_stats"}, .run = SubmitStatistics},
    {.name = "persistent-files", .checkpoint = {0x661, "read_persistent_files"}},
    {.name = "unmount", .checkpoint = {0x61D, "unmount_unconditionally"}, .operation = kUnmount},
    {.name = "clean-nand", .checkpoint = {0x64E, "clean_nand"}},
    {.name = "format", .checkpoint = {0x61F, "format_effaceable_storage"}, .run = FormatEffaceable},
    {.name = "format-ean",
     .checkpoint = {0x68A, "format_ean_storage"},
     .asked = [](const RestoreRun& run) { return run.os >= 16; }},
    {.name = "partitions",
     .checkpoint = {0x621, "create_filesystem_partitions"},
     .operation = kPartitionMap,
     .asked = MakesPartitions},
    {.name = "host-time",
     .operation = kDateAndTime,
     .asked =
         [](const RestoreRun& run) { return run.os >= 18 && run.Host().Data("HostSystemTime"); },
     .run = AskHostTime},
};

constexpr Step kPartitions[] = {
    {.name = "apfs-partitions", .checkpoint = {0x660, "update_partitions_for_apfs"}},
    {.name = "reload-partitions", .checkpoint = {0x622, "reload_filesystem_partitions"}},
    {.name = "delete-recovery",
     .checkpoint = {0x160D, "delete_recovery_partition"},
     .operation = kDeleteRecovery},
    {.name = "format-media",
     .checkpoint = {0x658, "format_media"},
     .operation = kFilesystem,
     .run = FormatSystem},
    {.name = "find-volumes", .checkpoint = {0x659, "find_volumes_after_format"}},
};

}  // namespace

std::span<const Step> OldSystemSteps() { return kOldSystem; }
std::span<const Step> PartitionSteps() { return kPartitions; }

}  // namespace rack
