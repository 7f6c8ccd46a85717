// Who works now: what is let in at all, and how many streams the host bears.

#include <algorithm>

#include "station/base/log.h"
#include "station/daemon/cart/cart.h"

namespace station::daemon {
namespace {

constexpr std::chrono::seconds kSampleTime{1};

}  // namespace

scheduler::Budgets Cart::BudgetsOf(const CartSettings& settings) {
  scheduler::Budgets budgets = settings.budgets;
  budgets.jobs = settings.concurrency;
  return budgets;
}

void Cart::SetGates() {
  using scheduler::Gate;
  const bool stopped = emergency_stop_ || drain_ == Drain::kUps;
  const bool closed = ending_ || stopped || mux_restarting_;
  const Gate open = drain_ == Drain::kOn ? Gate::kOnlyBegun : Gate::kOpen;
  slots_.SetGate(closed ? Gate::kClosed : open);
  identify_slots_.SetGate(ending_ || mux_restarting_ ? Gate::kClosed : Gate::kOpen);
  parts_.workers.SetEmergencyStop(stopped);
}

// What an operator wants begun now.
Status Cart::MayBegin() const {
  if (ending_) return Fail(ErrorCode::kUnavailable, "shutting down");
  if (emergency_stop_) return Fail(ErrorCode::kEmergencyStop, "no new work while it is on");
  if (drain_ != Drain::kOff) return Fail(ErrorCode::kDraining, "no new work meanwhile");
  return {};
}

void Cart::SetDrain(Drain drain, Act<Drain> act) {
  drain_ = drain;
  SetGates();
  const std::string name(Name(drain));
  Log(LogLevel::kWarning, "drain", {{"drain", name}, {"actor", act.actor}});
  Records records = {ledger::PutSetting{"drain", name}, Event("drain", act.actor, nullptr, name)};
  ConsiderAll();
  for (auto& [key, port] : ports_)
    if (port.view.state == PortState::kQueued) Changed(port);
  Pump();
  Commit(std::move(records), drain, std::move(act));
}

void Cart::SampleLater() {
  if (settings_.adapt && !sample_.Running()) sample_.Set(kSampleTime, [this] { Sample(); });
}

// Once a second while phones are streamed to.
void Cart::Sample() {
  const auto streams =
      static_cast<std::size_t>(std::ranges::count_if(ports_, [](const auto& entry) {
        const PortView& view = entry.second.view;
        return view.state == PortState::kWorking && view.progress.step == Step::kStream;
      }));
  stream_limit_.Observe({streams, static_cast<double>(std::exchange(streamed_, 0))});
  if (streams > 0) SampleLater();
  const std::size_t limit = stream_limit_.Limit();
  if (limit == slots_.JobLimit()) return;
  Log(LogLevel::kInfo, "jobs at once, by what was measured",
      {{"limit", std::to_string(limit)}, {"configured", std::to_string(settings_.concurrency)}});
  slots_.SetJobLimit(limit);
  Pump();
}

}  // namespace station::daemon
