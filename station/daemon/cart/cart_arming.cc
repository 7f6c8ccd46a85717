// Which arming takes which phone, what holds it, and the countdown.

#include <algorithm>

#include "scheduler/holds.h"
#include "station/base/log.h"
#include "station/daemon/cart/cart.h"

namespace station::daemon {
namespace {

using scheduler::Match;
using scheduler::PortEvent;
using scheduler::Protection;

ErrorCode ShownUnarmed(Protection protection) {
  return protection == Protection::kListed ? ErrorCode::kNeverWipe : ErrorCode::kNone;
}

}  // namespace

std::optional<ErrorCode> Cart::WhyHeld(const Port& port, const scheduler::Arming& arming,
                                       Match match) const {
  scheduler::Circumstances found;
  found.match = match;
  found.protection = settings_.never_wipe.Of(port.AsCandidate());
  found.ecid_known = port.view.phone.ecid.Known();
  found.emergency_stop = emergency_stop_;
  found.draining = drain_ != Drain::kOff;
  found.quarantined = port.view.quarantined;
  found.product_known = parts_.catalogue.FindByType(port.view.phone.product) != nullptr;
  if (found.product_known)
    if (const auto entry = parts_.firmware.Choose(arming.firmware, port.view.phone.product); !entry)
      found.firmware = entry.error().code;
  return scheduler::HoldReason(found);
}

// Asked anew whenever an arming, the store, the emergency stop or the phone changed.
void Cart::ConsiderArmings(Port& port) {
  const PortState state = port.view.state;
  if (state != PortState::kIdle && state != PortState::kArmed && state != PortState::kHeld) return;
  const auto taken = armings_.For(port.AsCandidate(), parts_.clock.Wall());
  if (!taken) {
    if (state == PortState::kIdle)
      port.view.error = ShownUnarmed(settings_.never_wipe.Of(port.AsCandidate()));
    else
      Apply(port, PortEvent::kDisarm);
    return;
  }
  const auto& [id, match] = *taken;
  const bool other_arming = port.arming != id;
  port.arming = id;
  port.view.arming = id.value;
  const auto why = WhyHeld(port, *armings_.Find(id), match);
  if (why) {
    if (state == PortState::kHeld && port.hold == *why && !other_arming) return;
    port.hold = port.view.error = *why;
    port.view.armed_until.reset();
    Log(LogLevel::kInfo, "port held",
        {{"port", port.view.label}, {"error", std::string(Name(*why))}});
    Apply(port, PortEvent::kHold);
    return;
  }
  if (state == PortState::kArmed && !other_arming) return;
  if (state == PortState::kArmed) return CountDown(port);
  port.hold = port.view.error = ErrorCode::kNone;
  Apply(port, PortEvent::kArm);
}

void Cart::ConsiderAll() {
  for (auto& [key, port] : ports_) ConsiderArmings(port);
}

void Cart::OnFirmwareChanged() {
  if (const Status read = parts_.firmware.Refresh(); !read)
    LogError(LogLevel::kError, "the firmware store cannot be read", read.error());
  ConsiderAll();
  for (auto& [key, port] : ports_) {
    const auto sha256 = port.job ? ParseSha256(port.job->firmware_sha256) : std::nullopt;
    if (!port.queue_when_stored || !sha256) continue;
    if (!parts_.firmware.Has(*sha256)) {  // what was suspected is in quarantine now
      SayWhatIsMissing(port);
      continue;
    }
    port.queue_when_stored = false;
    if (port.view.state != PortState::kQueued) continue;
    port.view.error = ErrorCode::kNone;
    QueueJob(port);
    Changed(port);
  }
}

void Cart::CountDown(Port& port) {
  const scheduler::Arming* arming = armings_.Find(*port.arming);
  port.view.outcome = Outcome::kNone;
  port.view.error = port.hold = ErrorCode::kNone;
  port.view.armed_until = parts_.clock.Wall() + arming->countdown;
  port.countdown.Set(arming->countdown, [this, &port] {
    ConsiderArmings(port);  // a last look
    if (port.view.state == PortState::kArmed) Apply(port, PortEvent::kCountdownOver);
  });
}

void Cart::Unarm(Port& port) {
  port.countdown.Stop();
  port.arming.reset();
  port.hold = ErrorCode::kNone;
  port.view.arming = 0;
  port.view.armed_until.reset();
  if (port.view.state == PortState::kIdle)
    port.view.error = ShownUnarmed(settings_.never_wipe.Of(port.AsCandidate()));
}

void Cart::ExpireArmings() {
  Records records;
  for (const scheduler::ArmingId id : armings_.Expire(parts_.clock.Wall())) {
    records.push_back(AsRecord(*armings_.Find(id)));
    records.push_back(Event("arming_expired", {}, nullptr, std::to_string(id.value)));
  }
  if (!records.empty()) parts_.ledger.Append(std::move(records));
  ConsiderAll();
  if (const auto next = armings_.NextExpiry()) {
    const auto left = std::max(*next - parts_.clock.Wall(), std::chrono::milliseconds(0));
    expiry_.Set(left + std::chrono::milliseconds(1), [this] { ExpireArmings(); });
  }
}

// The port's arming is not for this port and phone any more.
void Cart::LetGo(Port& port, Records& records) {
  const auto id = port.job && port.view.state == PortState::kQueued
                      ? std::optional(scheduler::ArmingId{port.job->arming_id})
                      : port.arming;
  if (!id || !armings_.LetGo(*id, port.view.key, port.view.phone.ecid)) return;
  records.push_back(AsRecord(*armings_.Find(*id)));
}

ledger::PutArming Cart::AsRecord(const scheduler::Arming& arming) {
  ledger::ArmingRow row;
  row.id = arming.id.value;
  for (const PortKey& port : arming.ports) row.ports.push_back(port.value);
  for (const Ecid ecid : arming.ecids) row.ecids.push_back(ToString(ecid));
  row.serial_numbers = arming.serial_numbers;
  row.action = arming.action;
  row.firmware = arming.firmware;
  row.count = arming.count;
  row.actor = arming.actor;
  row.created = ToUnixMillis(arming.created);
  row.expires = ToUnixMillis(arming.expires);
  row.countdown_seconds = arming.countdown.count();
  row.active = arming.active;
  for (const Ecid ecid : arming.taken) row.taken.push_back(ToString(ecid));
  for (const PortKey& port : arming.let_go_ports) row.let_go_ports.push_back(port.value);
  for (const Ecid ecid : arming.let_go_phones) row.let_go_phones.push_back(ToString(ecid));
  return {row};
}

ledger::PutEvent Cart::Event(std::string kind, const std::string& actor, const Port* port,
                             std::string text) const {
  ledger::EventRow event;
  event.at = NowMillis();
  event.kind = std::move(kind);
  event.actor = actor;
  event.text = std::move(text);
  if (port != nullptr) {
    event.port = port->view.key.value;
    event.job_id = port->view.job.value;
  }
  return {event};
}

}  // namespace station::daemon
