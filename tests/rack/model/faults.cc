#include "tests/rack/model/faults.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace rack {
namespace {

std::optional<std::uint64_t> AsNumber(const std::string& text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  return std::strtoull(text.c_str(), nullptr, 10);
}

using Arguments = std::vector<std::string>;
struct Target {
  PhoneFaults& faults;
  PhoneState& state;
};
using Setter = std::function<bool(Target, const Arguments&)>;

bool SetUnplug(Target phone, const Arguments& arguments) {
  if (arguments.empty() || arguments.size() > 2 || !AsNumber(arguments[0])) return false;
  phone.faults.unplug_at_byte = AsNumber(arguments[0]);
  phone.faults.replug_after.reset();
  if (arguments.size() == 1) return true;
  const auto seconds = AsNumber(arguments[1]);
  if (seconds) phone.faults.replug_after = std::chrono::seconds(*seconds);
  return seconds.has_value();
}

bool SetUnplugAtStep(Target phone, const Arguments& arguments) {
  if (arguments.empty() || arguments.size() > 2) return false;
  const auto seconds = arguments.size() == 2 ? AsNumber(arguments[1]) : std::nullopt;
  if (arguments.size() == 2 && !seconds) return false;
  phone.faults.unplug_at_step = arguments[0];
  phone.faults.replug_after.reset();
  if (seconds) phone.faults.replug_after = std::chrono::seconds(*seconds);
  return true;
}

bool SetHoldAtStep(Target phone, const Arguments& arguments) {
  if (arguments.size() != 1) return false;
  phone.faults.hold_at_step = arguments[0];
  return true;
}

bool SetLateReattach(Target phone, const Arguments& arguments) {
  const auto seconds = arguments.size() == 1 ? AsNumber(arguments[0]) : std::nullopt;
  if (seconds) phone.faults.late_reattach = std::chrono::seconds(*seconds);
  return seconds.has_value();
}

// One component, or any upload when none is named.
Setter ForUpload(std::string PhoneFaults::*component) {
  return [component](Target phone, const Arguments& arguments) {
    phone.faults.*component = arguments.empty() ? "any" : arguments[0];
    return arguments.size() <= 1;
  };
}

constexpr std::int64_t kGenericFailure = 14;

Setter AtStep(StepFault::Kind kind) {
  return [kind](Target phone, const Arguments& arguments) {
    const bool with_status = kind == StepFault::Kind::kFail && arguments.size() == 2;
    if (arguments.size() != 1 && !with_status) return false;
    StepFault fault{kind, arguments[0], kGenericFailure};
    if (with_status) {
      const bool negative = arguments[1].starts_with('-');
      const auto number = AsNumber(arguments[1].substr(negative ? 1 : 0));
      if (!number || *number == 0) return false;
      fault.status = static_cast<std::int64_t>(*number) * (negative ? -1 : 1);
    }
    phone.faults.at_step = std::move(fault);
    return true;
  };
}

bool Clear(Target phone, const Arguments& arguments) {
  phone.faults = PhoneFaults();
  return arguments.empty();
}

// "on" (also when left out) or "off".
std::optional<bool> AsSwitch(const Arguments& arguments) {
  if (arguments.empty()) return true;
  if (arguments.size() > 1 || (arguments[0] != "on" && arguments[0] != "off")) return std::nullopt;
  return arguments[0] == "on";
}

Setter Switch(bool PhoneFaults::*flag) {
  return [flag](Target phone, const Arguments& arguments) {
    const auto on = AsSwitch(arguments);
    if (on) phone.faults.*flag = *on;
    return on.has_value();
  };
}

bool SetLocked(Target phone, const Arguments& arguments) {
  const auto on = AsSwitch(arguments);
  if (!on) return false;
  phone.state.locked = *on;
  if (*on) phone.state.ios.passcode = true;
  return true;
}

bool SetBattery(Target phone, const Arguments& arguments) {
  const auto percent = arguments.size() == 1 ? AsNumber(arguments[0]) : std::nullopt;
  if (!percent || *percent > 100) return false;
  phone.state.battery = static_cast<int>(*percent);
  return true;
}

bool ForgetHosts(Target phone, const Arguments& arguments) {
  phone.state.ios.pairings.clear();
  phone.state.trust_dialog = TrustDialog::kNone;
  return arguments.empty();
}

Setter Switch(bool PhoneState::*flag) {
  return [flag](Target phone, const Arguments& arguments) {
    const auto on = AsSwitch(arguments);
    if (on) phone.state.*flag = *on;
    return on.has_value();
  };
}

// The updater, as FirmwareUpdaterData calls it; three rounds more when no number is given.
bool SetUpdaterLoop(Target phone, const Arguments& arguments) {
  if (arguments.empty() || arguments.size() > 2) return false;
  const auto rounds =
      arguments.size() == 2 ? AsNumber(arguments[1]) : std::optional<std::uint64_t>(3);
  if (!rounds || *rounds > 1000) return false;
  phone.faults.updater_loop = arguments[0];
  phone.faults.updater_rounds = static_cast<int>(*rounds);
  return true;
}

struct Row {
  FaultLine line;
  Setter set;
};

const std::vector<Row>& Table() {
  static const std::vector<Row> table = {
      {{"unplug-at-byte N [SECONDS]",
        "pulls the cable after N bytes of the OS image; plugs it in again after SECONDS", "once"},
       SetUnplug},
      {{"unplug-at-step STEP [SECONDS]",
        "pulls the cable when a restore comes to that step (nor-data, format, system-image...; "
        "flash: while boot firmware is written, after which only DFU starts); plugs it in again "
        "after SECONDS",
        "once"},
       SetUnplugAtStep},
      {{"fail-at-step STEP [STATUS]",
        "a restore fails at that step, with this StatusMsg number (14 when none is given, -1 too)",
        "once"},
       AtStep(StepFault::Kind::kFail)},
      {{"silent-at-step STEP", "the phone says nothing more from that step on", "once"},
       AtStep(StepFault::Kind::kSilent)},
      {{"close-at-step STEP", "restored crashes at that step and its connection closes", "once"},
       AtStep(StepFault::Kind::kClose)},
      {{"hold-at-step STEP",
        "the phone waits when a restore comes to that step, as long as its host stays; status "
        "shows it as held_at",
        "another step is named, none"},
       SetHoldAtStep},
      {{"late-reattach SECONDS", "the next change of mode takes that much longer", "once"},
       SetLateReattach},
      {{"corrupt-upload [COMPONENT]",
        "flips one bit of that upload to DFU or recovery mode (any, when none is named)", "once"},
       ForUpload(&PhoneFaults::corrupt_upload)},
      {{"refuse-send [COMPONENT]",
        "stalls that upload to DFU or recovery mode (any, when none is named)", "once"},
       ForUpload(&PhoneFaults::refuse_send)},
      {{"wedged [on|off]", "stalls every upload to DFU or recovery mode",
        "its port was without power, switched off"},
       Switch(&PhoneFaults::wedged)},
      {{"stale-nonce [on|off]",
        "the nonce in force is not the one shown, until an image was refused for it: then recovery "
        "mode shows the true one",
        "switched off"},
       Switch(&PhoneFaults::stale_nonce)},
      {{"refuse-enter-recovery [on|off]", "lockdownd refuses EnterRecovery", "switched off"},
       Switch(&PhoneFaults::refuse_enter_recovery)},
      {{"stall-asr", "stops reading in mid-image", "once"}, Switch(&PhoneFaults::stall_asr)},
      {{"refuse-asr", "asks for the OS image and lets nobody connect for it", "once"},
       Switch(&PhoneFaults::refuse_asr)},
      {{"panic-at-boot", "the restore system's kernel panics: back to recovery mode", "once"},
       Switch(&PhoneFaults::panic_at_boot)},
      {{"false-success", "a restore reports success, then only recovery mode comes up", "once"},
       Switch(&PhoneFaults::false_success)},
      {{"distrust", "the phone forgets every host it was paired with"}, ForgetHosts},
      {{"locked [on|off]", "the screen is locked by a passcode", "switched off"}, SetLocked},
      {{"battery N", "charge in per cent, from now on"}, SetBattery},
      {{"charging [on|off]", "whether the port gives power", "switched"},
       Switch(&PhoneState::charging)},
      {{"activation-lock [on|off]", "Find My is on", "switched off"},
       Switch(&PhoneState::activation_lock)},
      {{"updater-loop NAME [ROUNDS]",
        "that updater (SE, Savage, Rose, T200...) asks ROUNDS times more than it needs (3)",
        "counted down"},
       SetUpdaterLoop},
      {{"none", "clears all faults of this phone"}, Clear},
  };
  return table;
}

}  // namespace

std::vector<FaultLine> PhoneFaultLines() {
  std::vector<FaultLine> lines;
  for (const Row& row : Table()) lines.push_back(row.line);
  return lines;
}

station::Status ApplyFault(PhoneFaults& faults, PhoneState& state,
                           const std::vector<std::string>& words) {
  const auto found = std::ranges::find_if(
      Table(), [&](const Row& row) { return !words.empty() && row.line.Name() == words[0]; });
  if (found == Table().end()) {
    std::string known;
    for (const Row& row : Table()) known += fmt::format(" {}", row.line.Name());
    return station::Fail(station::ErrorCode::kBadRequest, "faults are:" + known);
  }
  if (!found->set({faults, state}, {words.begin() + 1, words.end()}))
    return station::Fail(station::ErrorCode::kBadRequest,
                         fmt::format("usage: {}", found->line.usage));
  return {};
}

}  // namespace rack
