#include "scheduler/steps.h"

#include <algorithm>
#include <array>

namespace station::scheduler {
namespace {
using namespace std::chrono_literals;
using enum Need;

constexpr unsigned kNothing = static_cast<unsigned>(Need::kNone);
constexpr unsigned kPhoneOnly = static_cast<unsigned>(kPhone);

// Deadlines are outer limits: a worker gives up sooner by itself and says why. Streaming moves up
// to 10 GB over what may be a shared USB 2 hub.
constexpr auto kSteps = std::to_array<StepSpec>({
    {Step::kNone, kNothing, 60s, 0s, false},
    {Step::kIdentify, kPhone | kMux, 90s, 0s, false},
    {Step::kGate, kPhone | kMux, 60s, 2s, false},
    {Step::kBackup, kPhone | kMux, 4h, 0s, false},
    {Step::kProveBackup, kNothing, 30min, 0s, false},
    {Step::kSign, kPhone | kSigning | kFirmware, 180s, 3s, false},
    {Step::kEnterRecovery, kPhoneOnly, 180s, 10s, false},
    {Step::kBootRestoreOs, kPhone | kSigning | kFirmware, 10min, 25s, false},
    {Step::kStream, kPhone | kMux | kFirmware, 60min, 180s, true, true},
    {Step::kFlash, kPhone | kMux | kFirmware, 30min, 60s, true},
    // Nothing is written any more, but a cancel would only hide that the phone was restored.
    {Step::kConfirm, kPhoneOnly, 20min, 20s, true},
    {Step::kFollowUp, kPhone | kMux, 10min, 0s, false},
    {Step::kRecord, kNothing, 60s, 1s, false},
});

constexpr bool InOrder() {
  for (std::size_t i = 0; i < kSteps.size(); ++i)
    if (kSteps[i].step != kAllSteps[i]) return false;
  return kSteps.size() == kAllSteps.size();
}
static_assert(InOrder(), "each step has its row, in the order of the enum");

std::chrono::seconds TypicalBefore(Step step) {
  std::chrono::seconds sum{0};
  for (const StepSpec& spec : kSteps)
    if (spec.step < step) sum += spec.typical;
  return sum;
}

}  // namespace

std::span<const StepSpec> AllSteps() { return kSteps; }

const StepSpec& Spec(Step step) { return kSteps[static_cast<std::size_t>(step)]; }

double JobFraction(Step step, double step_fraction) {
  const double within = std::clamp(step_fraction, 0.0, 1.0);
  if (step == Step::kIdentify) return within;
  const auto before = static_cast<double>(TypicalBefore(step).count());
  const auto own = static_cast<double>(Spec(step).typical.count());
  const auto whole = before + own + static_cast<double>(TypicalAfter(step).count());
  return (before + own * within) / whole;
}

std::chrono::seconds TypicalAfter(Step step) {
  std::chrono::seconds sum{0};
  for (const StepSpec& spec : kSteps)
    if (spec.step > step) sum += spec.typical;
  return sum;
}

}  // namespace station::scheduler
