#include "station/restore/device_status.h"

#include <algorithm>
#include <array>
#include <utility>

namespace station::restore {
namespace {

constexpr auto kStatuses = std::to_array<std::pair<std::int64_t, ErrorCode>>({
    {-1, ErrorCode::kDeviceStatusVerification},
    {0xFFFFFFFF, ErrorCode::kDeviceStatusVerification},
    {6, ErrorCode::kDeviceStatusDisk},
    {14, ErrorCode::kDeviceStatus},
    {27, ErrorCode::kDeviceStatusDisk},
    {50, ErrorCode::kDeviceStatusSep},
    {51, ErrorCode::kDeviceStatusSep},
    {53, ErrorCode::kDeviceStatusFdr},
    {1015, ErrorCode::kDeviceStatusBaseband},
});

constexpr auto kOperations = std::to_array<std::pair<std::int64_t, std::string_view>>({
    {11, "creating the partition map"}, {12, "creating the filesystem"}, {13, "writing the system image"},
    {14, "verifying the system image"}, {15, "checking filesystems"}, {16, "mounting filesystems"}, {17, "fixing /var"},
    {18, "flashing firmware"}, {19, "updating the baseband"}, {20, "setting the boot stage"}, {21, "rebooting"},
    {25, "modifying boot arguments"}, {27, "installing the kernel cache"}, {28, "waiting for storage"},
    {29, "unmounting filesystems"}, {30, "setting date and time"}, {34, "writing the factory marker"},
    {35, "loading firmware"}, {36, "loading firmware-updater data"}, {37, "activation record"}, {38, "checking the battery"},
    {42, "wiping"}, {43, "showing the logo"}, {44, "checking logs"}, {46, "clearing NVRAM"}, {50, "creating the key bag"},
    {55, "updating Stockholm"}, {58, "updating storage firmware"}, {59, "updating the secure element"},
    {60, "updating Savage"}, {61, "installing the device tree"}, {65, "updating Rose"}, {66, "updating Veridian"},
    {67, "creating the protected volume"}, {68, "resizing the filesystem"}, {77, "sealing the system volume"},
});

}  // namespace

ErrorCode CodeOfStatus(std::int64_t status) {
  const auto* found = std::ranges::find(kStatuses, status, &std::pair<std::int64_t, ErrorCode>::first);
  return found == kStatuses.end() ? ErrorCode::kDeviceStatus : found->second;
}

std::string_view OperationName(std::int64_t operation) {
  const auto* found = std::ranges::find(kOperations, operation, &std::pair<std::int64_t, std::string_view>::first);
  return found == kOperations.end() ? "operation" : found->second;
}

}  // namespace station::restore
