#include "tests/campaign/fault_table.h"

#include <array>

namespace campaign {
namespace {

// clang-format off
constexpr auto kPhoneFaults = std::to_array<FaultRow>({
    // name           by               words                                weight outcome      attempts left       then                    slow
    {"none",          By::kNobody,     "",                                  6, "RESTORED",        1, 1, "normal",   Then::kNothing,          false},
    {"replug",        By::kRack,       "unplug-at-byte @BYTE@ 2",           4, "RESTORED",        2, 3, "normal",   Then::kNothing,          false},
    {"replug-step",   By::kRack,       "unplug-at-step @STEP@ 2",           3, "RESTORED",        2, 3, "normal",   Then::kNothing,          false},
    {"late",          By::kRack,       "late-reattach 5",                   2, "RESTORED",        1, 1, "normal",   Then::kNothing,          false},
    {"kernel-bit",    By::kRack,       "corrupt-upload RestoreKernelCache", 2, "RESTORED",        2, 2, "normal",   Then::kNothing,          false},
    {"close",         By::kRack,       "close-at-step fdr-trust",           1, "RESTORED",        2, 2, "normal",   Then::kNothing,          false},
    {"panic",         By::kRack,       "panic-at-boot",                     1, "RESTORED",        2, 2, "normal",   Then::kNothing,          false},
    {"false-success", By::kRack,       "false-success",                     1, "HELD",            1, 1, "recovery", Then::kRetry,            false},
    {"flash-chip",    By::kRack,       "fail-at-step format-media 6",       1, "HELD",            1, 1, "recovery", Then::kRetry,            false},
    {"worker-kill",   By::kWorkerKill, "hold-at-step @STEP@",               3, "INDETERMINATE",   1, 1, "",         Then::kRetry,            false},
    {"swap",          By::kSwap,       "hold-at-step @STEP@",               1, "HELD",            1, 3, "",         Then::kSwapBackAndRetry, true},
    {"away",          By::kRack,       "unplug-at-byte @BYTE@",             1, "NO_SIGN_OF_LIFE", 1, 3, "",         Then::kPlugAndRetry,     true},
    {"long-away",     By::kRack,       "unplug-at-byte @BYTE@ 20",          1, "RESTORED",        2, 3, "normal",   Then::kNothing,          true},
});

constexpr auto kCommonFaults = std::to_array<CommonRow>({
    {{"none",           By::kNobody,       "",                  5, "RESTORED",                 1, 1, "normal", Then::kNothing, false}, true},
    {{"stationd-kill",  By::kStationdKill, "",                  3, "RESTORED",                 1, 1, "normal", Then::kNothing, false}, true},
    {{"mux-stall",      By::kMuxStall,     "stall 4",           1, "RESTORED",                 1, 1, "normal", Then::kNothing, false}, true},
    {{"mux-crash",      By::kMuxCrash,     "crash 3",           2, "RESTORED",                 1, 3, "normal", Then::kNothing, false}, false},
    {{"hub-power",      By::kHubPower,     "off",               2, "RESTORED",                 1, 3, "normal", Then::kNothing, false}, false},
    {{"signer-busy",    By::kSignerBusy,   "http-503 4",        1, "RESTORED",                 1, 3, "normal", Then::kNothing, false}, false},
    {{"signer-refuses", By::kSignerRefuses, "refuse-94 on",     1, "NEEDS_FIRMWARE_OR_SIGNING", 1, 1, "",      Then::kRetry,   false}, false},
    {{"download-503",   By::kDownload,     "http-503 3",        1, "RESTORED",                 1, 1, "normal", Then::kNothing, false}, true},
    {{"download-cut",   By::kDownload,     "break-at 5000000",  1, "RESTORED",                 1, 1, "normal", Then::kNothing, false}, true},
    {{"download-flip",  By::kDownload,     "flip-at 5000000",   1, "RESTORED",                 1, 1, "normal", Then::kNothing, false}, true},
});
// clang-format on

constexpr auto kPullSteps =
    std::to_array<std::string_view>({"nor-data", "system-image", "format", "flash"});
constexpr auto kKillSteps = std::to_array<std::string_view>(
    {"root-ticket", "nor-data", "format", "system-image", "boot-arguments"});

}  // namespace

std::span<const FaultRow> PhoneFaults() { return kPhoneFaults; }
std::span<const CommonRow> CommonFaults() { return kCommonFaults; }
std::span<const std::string_view> PullSteps() { return kPullSteps; }
std::span<const std::string_view> KillSteps() { return kKillSteps; }

}  // namespace campaign
