#include "station/base/step_table.h"

#include <array>

namespace station {
namespace {
using namespace std::chrono_literals;
using enum Need;
using enum BeforeRetry;

constexpr unsigned kNoNeeds = static_cast<unsigned>(Need::kNone);

// Deadlines are outer limits: what a step does gives up sooner by itself and says why. Streaming
// moves up to 10 GB over what may be a shared USB 2 hub; an image that stopped moving for two
// minutes will not move again.
// clang-format off
constexpr auto kSpecs = std::to_array<StepSpec>({
    // step              needs                         deadline stall typical destructive by_bytes before retry
    {Step::kNone,          kNoNeeds,                       60s,   0s,   0s, false, false, kNothing},
    {Step::kIdentify,      kPhone | kMux,                  90s,   0s,   0s, false, false, kNothing},
    {Step::kGate,          kPhone | kMux | kFirmware,      60s,   0s,   2s, false, false, kNothing},
    {Step::kBackup,        kPhone | kMux,                   4h,   0s,   0s, false, false, kNothing},
    {Step::kProveBackup,   kNoNeeds,                     30min,   0s,   0s, false, false, kNothing},
    {Step::kSign,          kPhone | kSigning | kFirmware, 180s,   0s,   3s, false, false, kNothing},
    {Step::kEnterRecovery, kPhone | kSigning | kFirmware, 300s,   0s,  10s, false, false, kAwaitPhone},
    {Step::kBootRestoreOs, kPhone | kSigning | kFirmware, 10min,  0s,  25s, false, false, kAwaitPhone},
    {Step::kStream,        kPhone | kMux | kFirmware,    60min, 120s, 180s, true,  true,  kLeaveRestoreMode},
    {Step::kFlash,         kPhone | kMux | kFirmware,    30min,   0s,  60s, true,  false, kLeaveRestoreMode},
    // Nothing is written any more, but a cancel would only hide that the phone was restored.
    {Step::kConfirm,       kNoNeeds,                     20min,   0s,  20s, true,  false, kAwaitPhone},
    {Step::kFollowUp,      kPhone | kMux,                10min,   0s,   0s, false, false, kNothing},
    {Step::kRecord,        kNoNeeds,                       60s,   0s,   1s, false, false, kNothing},
});
// clang-format on

constexpr bool InOrder() {
  for (std::size_t i = 0; i < kSpecs.size(); ++i)
    if (kSpecs[i].step != kAllSteps[i]) return false;
  return kSpecs.size() == kAllSteps.size();
}
static_assert(InOrder(), "each step has its row, in the order of the enum");

}  // namespace

std::span<const StepSpec> AllStepSpecs() { return kSpecs; }

const StepSpec& Spec(Step step) { return kSpecs[static_cast<std::size_t>(step)]; }

std::chrono::seconds DeadlineOf(Step step, const StepDeadlines& own) {
  const auto found = own.find(step);
  return found != own.end() ? found->second : Spec(step).deadline;
}

}  // namespace station
