// What operators say.

#include <algorithm>

#include "station/base/log.h"
#include "station/daemon/cart/cart.h"

namespace station::daemon {
namespace {

using scheduler::PortEvent;

bool IsPlainName(const std::string& text) {
  return !text.empty() && text.size() <= 128 &&
         std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

bool IsResult(PortState state) { return state == PortState::kDone || state == PortState::kFailed; }

}  // namespace

Result<scheduler::Arming> Cart::Understand(const ArmSpec& spec) {
  scheduler::Arming arming;
  for (const std::string& name : spec.ports) {
    STATION_TRY(key, Resolve(name));
    arming.ports.push_back(key);
  }
  for (const std::string& text : spec.ecids) {
    const std::optional<Ecid> ecid = ParseEcid(text);
    if (!ecid || !ecid->Known()) return Fail(ErrorCode::kBadRequest, "not an ECID: " + text);
    arming.ecids.push_back(*ecid);
  }
  for (const std::string& serial : spec.serial_numbers) {
    if (!IsPlainName(serial)) return Fail(ErrorCode::kBadRequest, "not a serial number");
    arming.serial_numbers.push_back(serial);
  }
  const std::string& firmware = spec.firmware;
  if (firmware.size() > 64 ||
      !std::ranges::all_of(firmware, [](unsigned char c) { return std::isxdigit(c) != 0; }))
    return Fail(ErrorCode::kBadRequest, "firmware is named by (the beginning of) its SHA-256");
  arming.action = spec.action;
  arming.firmware = firmware;
  const std::size_t named =
      arming.ports.size() + arming.ecids.size() + arming.serial_numbers.size();
  arming.count = spec.count != 0 ? spec.count : static_cast<int>(named);
  arming.actor = spec.actor;
  arming.created = parts_.clock.Wall();
  arming.expires = arming.created + spec.expires_in.value_or(settings_.arming_expiry);
  arming.countdown = spec.countdown.value_or(settings_.countdown);
  STATION_CHECK(scheduler::ArmingBook::Check(arming));
  return arming;
}

// What it would do to the phones that are there now.
std::vector<ArmTarget> Cart::Targets(const scheduler::Arming& arming) {
  std::vector<ArmTarget> targets;
  for (const PortView& view : Ports()) {
    const Port& port = PortFor(view.key);
    const scheduler::Match match =
        scheduler::Matches(arming, port.AsCandidate(), parts_.clock.Wall());
    if (match == scheduler::Match::kNo) continue;
    ArmTarget target;
    target.port_label = view.label;
    target.port = view.key;
    target.phone = view.phone;
    if (const auto entry = parts_.firmware.Choose(arming.firmware, view.phone.product)) {
      target.firmware_version = VersionText(*entry);
      target.firmware_sha256 = ToHex(entry->sha256);
      target.firmware_bytes = entry->size;
    }
    if (!port.usb) {
      target.error = ErrorCode::kPhoneGone;
    } else if (view.state == PortState::kIdentifying) {
      target.error = ErrorCode::kPhoneIdentityUnreadable;
    } else {
      target.error = WhyHeld(port, arming, match).value_or(ErrorCode::kNone);
    }
    target.will_wipe = target.error == ErrorCode::kNone && arming.action == Action::kErase;
    targets.push_back(std::move(target));
  }
  return targets;
}

Result<ArmPlan> Cart::PlanArm(const ArmSpec& spec) {
  STATION_TRY(arming, Understand(spec));
  ArmPlan plan{.targets = Targets(arming), .fit = {}};
  std::vector<scheduler::PlannedPhone> phones;
  for (const ArmTarget& target : plan.targets)
    if (target.error == ErrorCode::kNone) phones.push_back({target.port, target.firmware_bytes});
  plan.fit = scheduler::PlanCart(BudgetsOf(settings_), phones, stream_limit_.Best());
  return plan;
}

void Cart::Arm(const ArmSpec& spec, Act<ArmAnswer> act) {
  if (ending_) return act.reply(Fail(ErrorCode::kUnavailable, "shutting down"));
  Result<scheduler::Arming> understood = Understand(spec);
  if (!understood) return act.reply(std::unexpected(understood.error()));
  scheduler::Arming arming = std::move(*understood);
  arming.id = {parts_.ledger.NextArmingId()};
  const ArmAnswer answer{arming, Targets(arming)};
  act.reply = [this, arming, reply = std::move(act.reply)](Result<ArmAnswer> result) {
    if (result) Begin(arming);  // it is durable now
    reply(std::move(result));
  };
  Commit({AsRecord(arming), Event("armed", spec.actor, nullptr, std::to_string(arming.id.value))},
         answer, std::move(act));
}

// An arming takes phones; also those whose last result is still shown, because it was made after
// that.
void Cart::Begin(const scheduler::Arming& arming) {
  armings_.Add(arming);
  ExpireArmings();
  for (auto& [key, port] : ports_) {
    if (!port.usb || !port.job || !IsResult(port.view.state)) continue;
    const scheduler::Match match =
        scheduler::Matches(arming, port.AsCandidate(), parts_.clock.Wall());
    if (match == scheduler::Match::kNo) continue;
    port.arming = arming.id;
    port.view.arming = arming.id.value;
    const auto why = WhyHeld(port, arming, match);
    port.hold = port.view.error = why.value_or(ErrorCode::kNone);
    Apply(port, why ? PortEvent::kHold : PortEvent::kArm);
  }
}

void Cart::Disarm(const DisarmSpec& spec, Act<int> act) {
  std::vector<scheduler::ArmingId> concerned;
  for (const auto& [id, arming] : armings_.All())
    if (arming.active && (spec.arming == 0 || spec.arming == id.value)) concerned.push_back(id);
  if (spec.arming != 0 && armings_.Find({spec.arming}) == nullptr)
    return act.reply(
        Fail(ErrorCode::kNotFound, "no arming has the number " + std::to_string(spec.arming)));
  std::vector<PortKey> keys;
  for (const std::string& name : spec.ports) {
    const Result<PortKey> key = Resolve(name);
    if (!key) return act.reply(std::unexpected(key.error()));
    keys.push_back(*key);
  }
  Records records = {Event("disarmed", act.actor, nullptr, std::to_string(spec.arming))};
  int disarmed = 0;
  for (const scheduler::ArmingId id : concerned) {
    if (keys.empty()) disarmed += armings_.End(id) ? 1 : 0;
    for (const PortKey& key : keys)
      disarmed += armings_.LetGo(id, key, PortFor(key).view.phone.ecid) ? 1 : 0;
    records.push_back(AsRecord(*armings_.Find(id)));
  }
  disarmed += WithdrawQueued(spec.arming, keys);
  ConsiderAll();
  Commit(std::move(records), disarmed, std::move(act));
}

// Jobs that wait for their worker end with the arming that made them.
int Cart::WithdrawQueued(std::int64_t arming, const std::vector<PortKey>& keys) {
  int withdrawn = 0;
  for (auto& [key, port] : ports_) {
    if (port.view.state != PortState::kQueued || !port.job || port.job->began.value != 0) continue;
    if (arming != 0 && port.job->arming_id != arming) continue;
    if (!keys.empty() && std::ranges::find(keys, key) == keys.end()) continue;
    Apply(port, PortEvent::kDisarm);
    ++withdrawn;
  }
  return withdrawn;
}

Result<Port*> Cart::PortOf(const JobRef& ref) {
  if (ref.port.empty()) {
    if (Port* port = PortOfJob(ref.id)) return port;
    return Fail(ErrorCode::kNotFound, "job " + std::to_string(ref.id.value) +
                                          " is not the last one of any port; arm its phone anew");
  }
  STATION_TRY(key, Resolve(ref.port));
  return &PortFor(key);
}

void Cart::CancelJob(const JobRef& ref, Act<ledger::JobRow> act) {
  const Result<Port*> found = PortOf(ref);
  if (!found) return act.reply(std::unexpected(found.error()));
  Port& port = **found;
  ledger::JobRow answer;
  if (port.job) answer = *port.job;
  answer.port = port.view.key;
  answer.port_label = port.view.label;
  answer.phone = port.view.phone;
  Records records = {Event("cancel", act.actor, &port)};
  switch (port.view.state) {
    case PortState::kArmed:
    case PortState::kHeld:
      answer.id = {};
      [[fallthrough]];
    case PortState::kQueued:
      LetGo(port, records);
      answer.outcome = Outcome::kCancelled;
      answer.error = ErrorCode::kCancelled;
      if (port.job && port.job->began.value != 0) {  // its phone may only be good for a retry
        port.job->error = ErrorCode::kCancelled;
        port.job->context = "cancelled between two attempts";
        Apply(port, PortEvent::kEndedBadly);
        break;
      }
      [[fallthrough]];
    case PortState::kWorking:
    case PortState::kCancelling:
      Apply(port, PortEvent::kCancel);
      break;
    case PortState::kEmpty:
    case PortState::kIdentifying:
    case PortState::kIdle:
    case PortState::kDone:
    case PortState::kFailed:
      return act.reply(
          Fail(ErrorCode::kBadRequest, "nothing runs or waits on port " + port.view.label));
  }
  Commit(std::move(records), answer, std::move(act));
}

Status Cart::MayRetry(const Port& port, const ledger::JobRow& job) const {
  STATION_CHECK(MayBegin());
  if (port.view.state != PortState::kFailed && !port.hands)
    return Fail(ErrorCode::kBadRequest, "port " + port.view.label + " is " +
                                            std::string(Name(port.view.state)) +
                                            "; only a failed job is tried again");
  if (job.began.value == 0)
    return Fail(ErrorCode::kBadRequest, "the job never began; arm the port anew");
  if (!port.usb) return Fail(ErrorCode::kPhoneGone, "no phone on port " + port.view.label);
  if (settings_.never_wipe.Of(port.AsCandidate()) != scheduler::Protection::kNone)
    return Fail(ErrorCode::kNeverWipe, "the phone may be on the never-wipe list");
  return {};
}

void Cart::RetryJob(const JobRef& ref, Act<ledger::JobRow> act) {
  const Result<Port*> found = PortOf(ref);
  if (!found) return act.reply(std::unexpected(found.error()));
  Port& port = **found;
  if (!port.job)
    return act.reply(
        Fail(ErrorCode::kBadRequest, "port " + port.view.label + " has no job; arm it"));
  if (const Status may = MayRetry(port, *port.job); !may)
    return act.reply(std::unexpected(may.error()));
  port.by_hand = true;
  if (port.hands)
    GoOn(port);
  else {
    Climb(port, scheduler::Rung::kNone);
    Apply(port, PortEvent::kTryAgain);
  }
  Commit({Event("retry", act.actor, &port)}, *port.job, std::move(act));
}

void Cart::SetEmergencyStop(bool engaged, Act<bool> act) {
  emergency_stop_ = engaged;
  SetGates();
  Log(LogLevel::kWarning, engaged ? "emergency stop" : "emergency stop released",
      {{"actor", act.actor}});
  Records records = {
      ledger::PutSetting{"emergency_stop", engaged ? "1" : "0"},
      Event(engaged ? "emergency_stop" : "emergency_stop_released", act.actor, nullptr)};
  ConsiderAll();
  for (auto& [key, port] : ports_)
    if (port.view.state == PortState::kQueued) Changed(port);
  Pump();
  Commit(std::move(records), engaged, std::move(act));
}

void Cart::LabelPort(const std::string& name, const std::string& label, Act<PortView> act) {
  const Result<PortKey> key = Resolve(name);
  if (!key) return act.reply(std::unexpected(key.error()));
  if (!label.empty() && (!IsPlainName(label) || label.size() > 32))
    return act.reply(Fail(ErrorCode::kBadRequest, "a label is 1 to 32 printable characters"));
  const Result<PortKey> other = label.empty() ? *key : Resolve(label);
  if (other && *other != *key)
    return act.reply(Fail(ErrorCode::kAlreadyExists, "another port is called " + label));
  Port& port = PortFor(*key);
  if (label.empty())
    labels_.erase(*key);
  else
    labels_.insert_or_assign(*key, label);
  Relabel();
  Commit({ledger::PutLabel{*key, label}, Event("label", act.actor, &port, label)}, port.view,
         std::move(act));
}

}  // namespace station::daemon
