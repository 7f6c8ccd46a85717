// What is done to a port: before the next attempt of its job (the recovery ladder), and by an
// operator. Processes of their own do it; stationd opens no device.

#include <algorithm>

#include "scheduler/budgets.h"
#include "station/base/log.h"
#include "station/daemon/cart/cart.h"

namespace station::daemon {
namespace {

using scheduler::Rung;
using usb::PortAct;
using namespace std::chrono_literals;

constexpr auto kPowerOff = 5s;  // until what a hub stores is drained too
constexpr auto kSettles = 20s;  // for a phone to be back on the bus

std::optional<PortAct> ActOf(Rung rung) {
  switch (rung) {
    case Rung::kUsbReset:
      return PortAct::kReset;
    case Rung::kPortPower:
      return PortAct::kPowerCycle;
    case Rung::kMuxRestart:
      return PortAct::kMuxRestart;
    case Rung::kNone:
    case Rung::kAgain:
    case Rung::kQuarantine:
      return std::nullopt;
  }
  return std::nullopt;
}

// Ports of one hub are switched by it, or not.
std::string HubOf(const PortKey& key) {
  const auto hubs = scheduler::HubsOf(key);
  return hubs.empty() ? scheduler::ControllerOf(key) : hubs.back();
}

}  // namespace

bool Cart::OthersRestore(const Port& port) const {
  return std::ranges::any_of(ports_, [&](const auto& entry) {
    const PortState state = entry.second.view.state;
    return &entry.second != &port &&
           (state == PortState::kWorking || state == PortState::kCancelling);
  });
}

scheduler::Means Cart::MeansFor(const Port& port) const {
  return {.port_power = !unswitchable_.contains(HubOf(port.view.key)),
          .mux_restart = !settings_.mux_restart_command.empty() && !OthersRestore(port)};
}

Rung Cart::NextRung(const Port& port) const {
  return scheduler::NextRung(port.job->error, port.job->attempt, MeansFor(port));
}

void Cart::Climb(Port& port, Rung rung) {
  port.rung = rung;
  port.view.rung = rung == Rung::kNone ? "" : Name(rung);
  port.act_due = ActOf(rung);
  if (rung != Rung::kNone) parts_.observer.OnRung(port.view);
}

void Cart::StopClimbing(Port& port) {
  port.act_due.reset();
  port.acting = false;
  port.settle.Stop();
}

// Before the attempt it belongs to is queued; also when it failed, the attempt is made.
void Cart::CarryOutRung(Port& port) {
  const PortAct act = *std::exchange(port.act_due, std::nullopt);
  if (act == PortAct::kMuxRestart && OthersRestore(port)) return QueueJob(port);
  port.acting = true;
  StartAct(port, act, [this, &port, id = port.job->id](const Ended&) {
    if (!port.acting || !port.job || port.job->id != id) return;
    if (port.usb) return Settled(port);
    port.settle.Set(kSettles, [this, &port] { Settled(port); });
  });
}

void Cart::Settled(Port& port) {
  StopClimbing(port);
  if (port.view.state == PortState::kQueued) QueueJob(port);
}

void Cart::StartAct(Port& port, PortAct act, std::function<void(const Ended&)> then) {
  Log(LogLevel::kInfo, "act on port", {{"port", port.view.label}, {"act", std::string(Name(act))}});
  std::vector<std::string> sides = parts_.sides_of(port.view.key);
  PortTask task{.port = {port.view.key, sides.empty() ? port.paths : sides, port.view.label},
                .act = act,
                .off = kPowerOff,
                .command = settings_.mux_restart_command};
  if (act == PortAct::kMuxRestart) SetMuxRestarting(true);
  parts_.act_on_port(
      std::move(task), [this, &port, act, then = std::move(then)](const Ended& ended) {
        if (act == PortAct::kMuxRestart) SetMuxRestarting(false);
        parts_.ledger.Append({Event(
            "port_act", {}, &port, std::string(Name(act)) + " " + std::string(Name(ended.error)))});
        if (ended.error != ErrorCode::kNone)
          LogError(LogLevel::kWarning, "act on port failed", {ended.error, ended.context},
                   {{"port", port.view.label}, {"act", std::string(Name(act))}});
        if (ended.error == ErrorCode::kPortPowerUnsupported)
          unswitchable_.insert(HubOf(port.view.key));
        // It may have died while the port was off.
        if (ended.error == ErrorCode::kWorkerDied && act == PortAct::kPowerCycle)
          return StartAct(port, PortAct::kPowerOn, then);
        then(ended);
      });
}

// Nothing begins while usbmuxd is away.
void Cart::SetMuxRestarting(bool restarting) {
  mux_restarting_ = restarting;
  SetGates();
  if (restarting) return;
  Pump();
  PumpIdentify();
}

void Cart::ActOnPort(const PortActSpec& spec, Act<PortView> act) {
  const Result<PortKey> key = Resolve(spec.port);
  if (!key) return act.reply(std::unexpected(key.error()));
  Port& port = PortFor(*key);
  const bool works =
      port.view.state == PortState::kWorking || port.view.state == PortState::kCancelling;
  if (works || port.acting)
    return act.reply(Fail(ErrorCode::kBadRequest,
                          "port " + port.view.label + " is at work; cancel its job first"));
  parts_.ledger.Append({Event("port_act_asked", act.actor, &port, std::string(Name(spec.act)))});
  StartAct(port, spec.act, [this, &port, act = std::move(act)](const Ended& ended) mutable {
    if (ended.error != ErrorCode::kNone) return act.reply(Fail(ended.error, ended.context));
    Commit({}, port.view, std::move(act));
  });
}

// ---- blame

void Cart::Remember(const Port& port) {
  const ledger::JobRow& job = *port.job;
  facts_.push_back({job.port, job.phone.ecid, job.firmware_sha256, job.error, NowMillis().value});
  if (facts_.size() > kMostFacts) facts_.erase(facts_.begin());
  Judge();
}

void Cart::Judge() {
  const scheduler::Blame blame(facts_, services_);
  for (auto& [key, port] : ports_) {
    const scheduler::Count count = blame.OfPort(key);
    const bool bad = scheduler::Blame::IsBad(count);
    if (port.view.failures == count.failures && port.view.attempts == count.attempts &&
        port.view.quarantined == bad)
      continue;
    if (bad && !port.view.quarantined)
      Log(LogLevel::kWarning, "port quarantined",
          {{"port", port.view.label}, {"why", scheduler::BlameText(count)}});
    port.view.quarantined = bad;
    port.view.failures = count.failures;
    port.view.attempts = count.attempts;
    port.view.blame = scheduler::BlameText(count);
    Changed(port);
  }
}

void Cart::ServicePort(const std::string& name, const std::string& replaced, Act<PortView> act) {
  const Result<PortKey> key = Resolve(name);
  if (!key) return act.reply(std::unexpected(key.error()));
  Port& port = PortFor(*key);
  const std::int64_t now = NowMillis().value;
  services_[*key] = now;
  unswitchable_.erase(HubOf(*key));
  Judge();
  ConsiderAll();
  Commit({ledger::PutSetting{std::string(kServicePrefix) + key->value, std::to_string(now)},
          Event("port_serviced", act.actor, &port, replaced)},
         port.view, std::move(act));
}

std::vector<BlameRow> Cart::BlameRows() const {
  const scheduler::Blame blame(facts_, services_);
  std::vector<BlameRow> rows;
  for (const scheduler::Suspect suspect : scheduler::kAllSuspects)
    for (const auto& [name, count] : blame.Of(suspect)) {
      if (count.failures == 0) continue;
      BlameRow row{suspect, name, count, false};
      if (suspect == scheduler::Suspect::kPort)
        if (const auto found = ports_.find({name}); found != ports_.end())
          row.name = found->second.view.label;
      row.bad = (suspect == scheduler::Suspect::kPort || suspect == scheduler::Suspect::kHub) &&
                scheduler::Blame::IsBad(count);
      rows.push_back(std::move(row));
    }
  return rows;
}

}  // namespace station::daemon
