#include "scheduler/cart_plan.h"

#include <algorithm>
#include <map>
#include <vector>

#include "scheduler/admission.h"
#include "station/base/step_table.h"

namespace station::scheduler {
namespace {

// What one phone takes at USB 2 speed, alone.
constexpr double kPhoneBytesPerSecond = 35e6;

double SecondsBesideTheStream() {
  double sum = 0;
  for (const StepSpec& spec : AllStepSpecs())
    if (!spec.by_bytes) sum += static_cast<double>(spec.typical.count());
  return sum;
}

double SecondsOfStreams(std::span<const PlannedPhone> wave, const Budgets& budgets,
                        double measured) {
  double longest = 0;
  double all = 0;
  std::map<std::string, double> of_controller;
  for (const PlannedPhone& phone : wave) {
    const auto bytes = static_cast<double>(phone.bytes);
    all += bytes;
    of_controller[ControllerOf(phone.port)] += bytes;
    longest = std::max(longest, bytes / kPhoneBytesPerSecond);
  }
  const auto shared = static_cast<double>(budgets.controller_bytes_per_second);
  for (const auto& [controller, bytes] : of_controller)
    if (shared > 0) longest = std::max(longest, bytes / shared);
  return measured > 0 ? std::max(longest, all / measured) : longest;
}

// What binds most of those that wait.
std::optional<Claim> MostBinding(const Admission& admission, std::span<const PlannedPhone> phones) {
  std::map<Claim, int> count;
  for (const PlannedPhone& phone : phones)
    if (const auto claim = admission.WhatBinds(phone.port)) ++count[*claim];
  if (count.empty()) return std::nullopt;
  return std::ranges::max_element(count, {}, [](const auto& entry) { return entry.second; })->first;
}

}  // namespace

CartPlan PlanCart(const Budgets& budgets, std::span<const PlannedPhone> phones, double measured) {
  CartPlan plan;
  plan.phones = phones.size();
  Admission admission(budgets);
  std::map<PortKey, const PlannedPhone*> by_port;
  for (const PlannedPhone& phone : phones) {
    admission.Enqueue({phone.port});
    by_port.emplace(phone.port, &phone);
  }
  double seconds = 0;
  while (admission.Queued() > 0) {
    std::vector<PlannedPhone> wave;
    while (const auto port = admission.Next()) {
      admission.Release(*port, Budget::kSigning);  // held for a moment only
      wave.push_back(*by_port.at(*port));
    }
    if (plan.waves++ == 0) plan.binds = MostBinding(admission, phones);
    plan.at_once = std::max(plan.at_once, wave.size());
    seconds += SecondsBesideTheStream() + SecondsOfStreams(wave, budgets, measured);
    for (const PlannedPhone& phone : wave) admission.Remove(phone.port);
  }
  plan.time = std::chrono::seconds(static_cast<std::int64_t>(seconds));
  return plan;
}

}  // namespace station::scheduler
