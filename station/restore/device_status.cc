#include "station/restore/device_status.h"

#include <algorithm>
#include <array>
#include <utility>

namespace station::restore {
namespace {

using plist::View;

constexpr auto kStatuses = std::to_array<std::pair<std::int64_t, ErrorCode>>({
    {-1, ErrorCode::kDeviceStatusVerification},
    {0xFFFFFFFF, ErrorCode::kDeviceStatusVerification},
    {6, ErrorCode::kDeviceStatusDisk},
    {14, ErrorCode::kDeviceStatus},
    {27, ErrorCode::kDeviceStatusMount},
    {50, ErrorCode::kDeviceStatusSep},
    {51, ErrorCode::kDeviceStatusSep},
    {53, ErrorCode::kDeviceStatusFdr},
    {1015, ErrorCode::kDeviceStatusBaseband},
});

// Ids and names seen on phones (6.10, and public logs of restores).
constexpr auto kCheckpoints = std::to_array<std::pair<std::uint64_t, ErrorCode>>({
    {0x0655, ErrorCode::kHostTooOld},            // is_host_compatible
    {0x060B, ErrorCode::kDeviceStatusTicket},    // update_ticket
    {0x0E03, ErrorCode::kDeviceStatusTicket},    // write_ticket
    {0x0609, ErrorCode::kDeviceStatusSep},       // load_sep_os
    {0x0675, ErrorCode::kDeviceStatusSep},       // init_gigalocker
    {0x060C, ErrorCode::kDeviceStatusDisk},      // partition_nand
    {0x060D, ErrorCode::kDeviceStatusDisk},      // wait_for_storage
    {0x060E, ErrorCode::kDeviceStatusDisk},      // update_NAND_firmware
    {0x060F, ErrorCode::kDeviceStatusDisk},      // clear_remap_variable
    {0x0610, ErrorCode::kDeviceStatusDisk},      // asp_nand_set_writable
    {0x0611, ErrorCode::kDeviceStatusDisk},      // reprobe_storage
    {0x061F, ErrorCode::kDeviceStatusDisk},      // format_effaceable_storage
    {0x0621, ErrorCode::kDeviceStatusDisk},      // create_filesystem_partitions
    {0x0622, ErrorCode::kDeviceStatusDisk},      // reload_filesystem_partitions
    {0x064E, ErrorCode::kDeviceStatusDisk},      // clean_nand
    {0x0658, ErrorCode::kDeviceStatusDisk},      // format_media
    {0x0659, ErrorCode::kDeviceStatusDisk},      // find_volumes_after_format
    {0x065F, ErrorCode::kDeviceStatusDisk},      // reserve_overprov_space
    {0x0660, ErrorCode::kDeviceStatusDisk},      // update_partitions_for_apfs
    {0x0674, ErrorCode::kDeviceStatusDisk},      // create_protected_filesystems
    {0x067E, ErrorCode::kDeviceStatusDisk},      // verify_storage_for_update
    {0x160D, ErrorCode::kDeviceStatusDisk},      // delete_recovery_partition
    {0x0613, ErrorCode::kDeviceStatusMount},     // find_filesystem_partitions
    {0x0614, ErrorCode::kDeviceStatusMount},     // mount_system_partition
    {0x0665, ErrorCode::kDeviceStatusMount},     // fsck_filesystems
    {0x0624, ErrorCode::kDeviceStatusImage},     // restore_images
    {0x0628, ErrorCode::kDeviceStatusImage},     // install_kernel_cache
    {0x065B, ErrorCode::kDeviceStatusImage},     // restore_system_image, once asr_and_invert_image
    {0x068B, ErrorCode::kDeviceStatusImage},     // seal_system_volume
    {0x06A6, ErrorCode::kDeviceStatusImage},     // install_splat: cryptexes
    {0x06B3, ErrorCode::kDeviceStatusImage},     // prepare_for_system_image
    {0x06B4, ErrorCode::kDeviceStatusImage},     // await_system_image_invert_retry
    {0x0616, ErrorCode::kDeviceStatusFdr},       // fdr_create
    {0x0617, ErrorCode::kDeviceStatusFdr},       // fdr_save_data
    {0x0627, ErrorCode::kDeviceStatusFdr},       // fdr_restore_saved_data
    {0x0634, ErrorCode::kDeviceStatusFdr},       // fdr_recover
    {0x063C, ErrorCode::kDeviceStatusFdr},       // verify_fdr_data
    {0x0668, ErrorCode::kDeviceStatusUpdater},   // update_firmware_post_sealing
    {0x069A, ErrorCode::kDeviceStatusUpdater},   // update_device_firmware_pre_fdr
    {0x1303, ErrorCode::kDeviceStatusBaseband},  // update_baseband, later ..._legacy
    {0x131B, ErrorCode::kDeviceStatusBaseband},  // update_baseband
    {0x132A, ErrorCode::kDeviceStatusBaseband},  // await_update_baseband_legacy
});
constexpr std::uint64_t kUpdaters = 0x1300;  // to 0x13FF: one id per chip and phase

constexpr auto kOperations = std::to_array<std::pair<std::int64_t, std::string_view>>({
    {11, "creating the partition map"},
    {12, "creating the filesystem"},
    {13, "writing the system image"},
    {14, "verifying the system image"},
    {15, "checking filesystems"},
    {16, "mounting filesystems"},
    {17, "fixing /var"},
    {18, "flashing firmware"},
    {19, "updating the baseband"},
    {20, "setting the boot stage"},
    {21, "rebooting"},
    {22, "shutting down"},
    {23, "turning on accessory power"},
    {24, "clearing boot arguments"},
    {25, "modifying boot arguments"},
    {26, "installing the root"},
    {27, "installing the kernel cache"},
    {28, "waiting for storage"},
    {29, "unmounting filesystems"},
    {30, "setting date and time"},
    {31, "executing iBEC"},
    {32, "setting the storage epoch"},
    {33, "looking for inappropriate partitions"},
    {34, "writing the factory marker"},
    {35, "loading firmware"},
    {36, "loading firmware-updater data"},
    {37, "activation record"},
    {38, "checking the battery"},
    {39, "waiting for the battery to charge"},
    {40, "closing modem tickets"},
    {41, "migrating data"},
    {42, "wiping"},
    {43, "showing the logo"},
    {44, "checking logs"},
    {46, "clearing NVRAM"},
    {47, "updating the gas gauge"},
    {48, "preparing the baseband update"},
    {49, "booting the baseband"},
    {50, "creating the key bag"},
    {51, "updating the IR controller"},
    {52, "resizing the system partition"},
    {53, "collecting updater output"},
    {54, "pairing Stockholm"},
    {55, "updating Stockholm"},
    {56, "updating SWDHID"},
    {57, "certifying the secure processor"},
    {58, "updating storage firmware"},
    {59, "updating the secure element"},
    {60, "updating Savage"},
    {61, "installing the device tree"},
    {62, "certifying Savage"},
    {63, "submitting provisioning info"},
    {64, "certifying Yonkers"},
    {65, "updating Rose"},
    {66, "updating Veridian"},
    {67, "creating the protected volume"},
    {68, "resizing the filesystem"},
    {69, "creating the recovery volume"},
    {70, "installing recovery files"},
    {71, "installing the recovery image"},
    {74, "requesting early-access firmware"},
    {77, "sealing the system volume"},
    {81, "updating the display controller"},
});

std::optional<ErrorCode> KnownStatus(std::int64_t status) {
  const auto* found =
      std::ranges::find(kStatuses, status, &std::pair<std::int64_t, ErrorCode>::first);
  if (found == kStatuses.end() || found->second == ErrorCode::kDeviceStatus) return std::nullopt;
  return found->second;
}

std::string TextOf(View value) {
  std::string text = value.String().value_or("");
  return text.substr(0, 1000);
}

// iOS 18 and later say so in words, too (6.3).
bool SaysHostUnsupported(std::string_view text) {
  return text.find("host version is unsupported") != std::string_view::npos;
}

}  // namespace

ErrorCode CodeOfStatus(std::int64_t status) {
  return KnownStatus(status).value_or(ErrorCode::kDeviceStatus);
}

std::optional<ErrorCode> CodeOfCheckpoint(std::uint64_t id) {
  const std::uint64_t known = id & 0xFFFFU;  // hosts have seen garbage above
  const auto* found =
      std::ranges::find(kCheckpoints, known, &std::pair<std::uint64_t, ErrorCode>::first);
  if (found != kCheckpoints.end()) return found->second;
  if ((known & 0xFF00U) == kUpdaters) return ErrorCode::kDeviceStatusUpdater;
  return std::nullopt;
}

std::string_view OperationName(std::int64_t operation) {
  const auto* found =
      std::ranges::find(kOperations, operation, &std::pair<std::int64_t, std::string_view>::first);
  return found == kOperations.end() ? "operation" : found->second;
}

Status PhoneVerdict::OnCheckpoint(View message) {
  const std::uint64_t id = message["CHECKPOINT_ID"].Integer().value_or(0);
  last_ = message["CHECKPOINT_NAME"].String().value_or(std::to_string(id)).substr(0, 100);
  const std::string text = TextOf(message["CHECKPOINT_ERROR"]);
  const bool failed = message["CHECKPOINT_RESULT"].Integer().value_or(0) != 0 || !text.empty();
  if (!failed) return {};
  const auto code = CodeOfCheckpoint(id);
  if (code == ErrorCode::kHostTooOld || SaysHostUnsupported(text))
    return Fail(ErrorCode::kHostTooOld, "the phone refuses this host at " + last_ + ": " + text);
  if (code == ErrorCode::kDeviceStatusFdr) {
    factory_data_failed_ = true;
  } else if (code) {
    failed_ = code;
    failed_text_ = last_ + (text.empty() ? "" : " (" + text + ")");
  }
  return {};
}

Error PhoneVerdict::OnFailure(std::int64_t status, std::int64_t amr_error,
                              std::string_view log) const {
  std::string context = "the phone reports status " + std::to_string(status) + ", AMR error " +
                        std::to_string(amr_error) + ", after checkpoint " + last_;
  if (!failed_text_.empty()) context += "; failed: " + failed_text_;
  if (SaysHostUnsupported(log)) return {ErrorCode::kHostTooOld, context};
  for (const std::int64_t number : {status, amr_error})
    if (const auto code = KnownStatus(number)) return {*code, context};
  if (failed_) return {*failed_, context};
  if (factory_data_failed_) return {ErrorCode::kDeviceStatusFdr, context};
  return {ErrorCode::kDeviceStatus, context};
}

}  // namespace station::restore
