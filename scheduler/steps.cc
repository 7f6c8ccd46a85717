#include "scheduler/steps.h"

#include <algorithm>

#include "station/base/step_table.h"

namespace station::scheduler {
namespace {

std::chrono::seconds TypicalBefore(Step step) {
  std::chrono::seconds sum{0};
  for (const StepSpec& spec : AllStepSpecs())
    if (spec.step < step) sum += spec.typical;
  return sum;
}

}  // namespace

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
  for (const StepSpec& spec : AllStepSpecs())
    if (spec.step > step) sum += spec.typical;
  return sum;
}

}  // namespace station::scheduler
