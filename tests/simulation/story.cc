// What a worker does, step by step; station/worker/restore_job.cc tells the same.

#include "station/base/step_table.h"
#include "tests/simulation/processes.h"

namespace station::simulation {
namespace {

using namespace std::chrono_literals;

constexpr Millis kPresentPatience = 30s;
constexpr Millis kReplugPatience = 120s;
constexpr Millis kModePatience = 60s;
constexpr Millis kSystemPatience = 300s;
constexpr Millis kMuxPatience = 30s;

bool Anything(PhoneMode) { return true; }

}  // namespace

bool Processes::IsItsPhone(const Process& process, int phone) const {
  const Phone& there = floor_.PhoneAt(phone);
  if (hooks_.careless) return true;
  return (there.mode == PhoneMode::kNormal ? there.says : there.ecid) == process.ecid;
}

void Processes::After(Process& process, Millis time, std::function<void()> then) {
  process.next.Set(time, std::move(then));
}

void Processes::Await(Process& process, std::function<bool(PhoneMode)> wanted, Millis patience,
                      ErrorCode lost, std::function<void()> then) {
  process.when_gone = nullptr;
  const int phone = PhoneOf(process);
  if (phone != kNone && wanted(floor_.PhoneAt(phone).mode)) return then();
  process.wanted = std::move(wanted);
  process.when_there = [&process, then = std::move(then)] {
    process.next.Stop();
    then();
  };
  process.next.Set(patience, [this, &process, lost] {
    process.when_there = nullptr;
    GiveUp(process, lost);
  });
}

// A phone that leaves unasked ends the step with `lost`.
void Processes::Identify(Process& process) {
  const int phone = PhoneOf(process);
  if (phone == kNone) return End(process, {.error = ErrorCode::kPhoneGone});
  process.pace = paces_[static_cast<std::size_t>(phone)];
  process.when_gone = [this, &process] { End(process, {.error = ErrorCode::kPhoneGone}); };
  After(process, process.pace.ask, [this, &process, phone] {
    const Phone& there = floor_.PhoneAt(phone);
    const bool on_mux = there.mode == PhoneMode::kNormal || there.mode == PhoneMode::kRestore;
    if (on_mux && !hooks_.mux_up()) return End(process, {.error = ErrorCode::kMuxUnreachable});
    ledger::PhoneFacts facts;
    facts.mode = there.mode;
    facts.ecid = there.mode == PhoneMode::kNormal ? there.says : there.ecid;
    facts.product = there.product;
    if (on_mux) facts.udid = there.udid;
    if (there.mode != PhoneMode::kDfu) facts.serial_number = there.serial_number;
    Say(process,
        [task = process.task, facts](daemon::TaskListener& to) { to.OnIdentified(task, facts); });
    End(process, {});
  });
}

// False when the job must end here instead; it has ended then.
bool Processes::Begin(Process& process, Step step) {
  const bool destructive = Spec(step).destructive;
  if (!process.destructive) {
    if (const auto reason = StopReason(process)) {
      GiveUp(process, *reason);
      return false;
    }
  }
  process.step = step;
  process.destructive = destructive;
  if (destructive) journals_[process.job.value].destroyed = process.destroyed = true;
  const daemon::StepReport report{step, destructive, {}};
  Say(process,
      [task = process.task, report](daemon::TaskListener& to) { to.OnStep(task, report); });
  hooks_.on_step(process);
  return true;
}

void Processes::Bind(Process& process) {
  if (!Begin(process, Step::kIdentify)) return;
  Await(process, Anything, kPresentPatience, ErrorCode::kPhoneGone,
        [this, &process] { Look(process); });
}

// Who is there, and in which mode.
void Processes::Look(Process& process) {
  const int phone = PhoneOf(process);
  process.pace = paces_[static_cast<std::size_t>(phone)];
  process.when_gone = [this, &process] { Bind(process); };  // on its way to a mode
  After(process, process.pace.ask, [this, &process, phone] {
    const Phone& there = floor_.PhoneAt(phone);
    const bool on_mux = there.mode == PhoneMode::kNormal || there.mode == PhoneMode::kRestore;
    if (on_mux && !hooks_.mux_up()) {
      After(process, kMuxPatience, [this, &process] {
        if (!hooks_.mux_up()) return GiveUp(process, ErrorCode::kMuxUnreachable);
        Look(process);
      });
      return;
    }
    if (!IsItsPhone(process, phone)) return GiveUp(process, ErrorCode::kPhoneMismatch);
    if (there.mode != PhoneMode::kRestore) return Plan(process);
    // A restore OS of an earlier attempt is left first.
    process.when_gone = nullptr;
    floor_.Reboot(phone, process.pace.leave, process.pace.into_recovery, PhoneMode::kRecovery);
    After(process, process.pace.leave + 100ms, [this, &process] {
      Await(process, Anything, kModePatience, ErrorCode::kNoReconnect,
            [this, &process] { Look(process); });
    });
  });
}

void Processes::Plan(Process& process) {
  process.when_gone = nullptr;
  if (!Begin(process, Step::kGate)) return;
  After(process, process.pace.gate, [this, &process] {
    Await(process, Anything, kPresentPatience, ErrorCode::kPhoneGone,
          [this, &process] { Sign(process); });
  });
}

void Processes::Sign(Process& process) {
  if (!Begin(process, Step::kSign)) return;
  After(process, process.pace.sign, [this, &process] {
    if (const ErrorCode refused = hooks_.sign(process); refused != ErrorCode::kNone)
      return GiveUp(process, refused);
    Await(process, Anything, kPresentPatience, ErrorCode::kPhoneGone,
          [this, &process] { EnterRecovery(process); });
  });
}

void Processes::EnterRecovery(Process& process) {
  if (!Begin(process, Step::kEnterRecovery)) return;
  const int phone = PhoneOf(process);
  if (!IsItsPhone(process, phone)) return GiveUp(process, ErrorCode::kPhoneMismatch);
  const auto in_recovery = [](PhoneMode mode) {
    return mode == PhoneMode::kRecovery || mode == PhoneMode::kDfu;
  };
  const auto arrived = [this, &process] {
    if (!IsItsPhone(process, PhoneOf(process))) return GiveUp(process, ErrorCode::kPhoneMismatch);
    BootRestoreOs(process);
  };
  if (in_recovery(floor_.PhoneAt(phone).mode)) return arrived();
  if (floor_.PhoneAt(phone).refuses_recovery)
    return GiveUp(process, ErrorCode::kEnterRecoveryRefused);
  floor_.Reboot(phone, process.pace.leave, process.pace.into_recovery, PhoneMode::kRecovery);
  process.moved = true;
  After(process, process.pace.leave + 100ms, [this, &process, in_recovery, arrived] {
    Await(process, in_recovery, kModePatience, ErrorCode::kNoReconnect, arrived);
  });
}

void Processes::BootRestoreOs(Process& process) {
  if (!Begin(process, Step::kBootRestoreOs)) return;
  const int phone = PhoneOf(process);
  process.when_gone = [this, &process] { GiveUp(process, ErrorCode::kRecoveryUpload); };
  After(process, process.pace.upload, [this, &process, phone] {
    process.when_gone = nullptr;
    floor_.Reboot(phone, process.pace.leave, process.pace.into_restore, PhoneMode::kRestore);
    After(process, process.pace.leave + 100ms, [this, &process] {
      Await(
          process, [](PhoneMode mode) { return mode == PhoneMode::kRestore; }, kSystemPatience,
          ErrorCode::kRestoreModeNotReached, [this, &process] { Stream(process); });
    });
  });
}

void Processes::Stream(Process& process) {
  const auto now = daemon::ToUnixMillis(clock_.Wall()).value;
  if (process.arming_expires != 0 && now >= process.arming_expires && !process.destroyed)
    return GiveUp(process, ErrorCode::kArmingExpired);
  if (!Begin(process, Step::kStream)) return;
  const int phone = PhoneOf(process);
  if (phone == kNone) return GiveUp(process, ErrorCode::kRestoredUnreachable);
  if (!IsItsPhone(process, phone)) return GiveUp(process, ErrorCode::kPhoneMismatch);
  Phone& there = floor_.PhoneAt(phone);
  hooks_.on_write(process, there);
  there.flash = simulation::Flash::kDestroyed;
  process.when_gone = [this, &process] { GiveUp(process, ErrorCode::kAsrTransfer); };
  std::vector<std::size_t> stretches = {0};  // the host
  for (const int hub : floor_.HubsAbove(process.site))
    stretches.push_back(static_cast<std::size_t>(hub) + 1);
  process.stream = wires_.Start(std::move(stretches), there.bytes_per_second, process.pace.bytes,
                                [this, &process] {
                                  process.stream.reset();
                                  Flash(process);
                                });
}

void Processes::Flash(Process& process) {
  if (!Begin(process, Step::kFlash)) return;
  process.when_gone = [this, &process] { GiveUp(process, ErrorCode::kDeviceSilent); };
  After(process, process.pace.flash, [this, &process] {
    process.when_gone = nullptr;
    floor_.PhoneAt(PhoneOf(process)).flash = simulation::Flash::kRestored;
    Confirm(process);
  });
}

void Processes::Confirm(Process& process) {
  const int phone = PhoneOf(process);
  if (!Begin(process, Step::kConfirm)) return;
  if (phone != kNone && floor_.PhoneAt(phone).mode == PhoneMode::kRestore)
    floor_.Reboot(phone, process.pace.leave, process.pace.into_system, PhoneMode::kNormal);
  After(process, process.pace.leave + 100ms, [this, &process] { Succeed(process); });
}

// Done is what says so itself, in its new system.
void Processes::Succeed(Process& process) {
  Await(process, Anything, kSystemPatience, ErrorCode::kNotConfirmed, [this, &process] {
    const int phone = PhoneOf(process);
    process.when_gone = [this, &process] { Succeed(process); };
    After(process, process.pace.ask, [this, &process, phone] {
      const Phone& there = floor_.PhoneAt(phone);
      if (!hooks_.mux_up()) return After(process, 1s, [this, &process] { Succeed(process); });
      if (!IsItsPhone(process, phone)) return GiveUp(process, ErrorCode::kPhoneMismatch);
      if (there.mode != PhoneMode::kNormal || there.flash != simulation::Flash::kRestored)
        return GiveUp(process, ErrorCode::kNotConfirmed);
      End(process, {.outcome = Outcome::kRestored, .step = Step::kConfirm});
    });
  });
}

// A phone that vanished is waited for on its port, whatever mode it comes back in.
void Processes::GiveUp(Process& process, ErrorCode error) {
  if (process.stream) wires_.Stop(*std::exchange(process.stream, std::nullopt));
  process.when_there = process.when_gone = nullptr;
  process.destructive = false;
  const daemon::Ended reason{.error = error, .context = "simulated", .step = process.step};
  const bool waits = Spec(process.step).before_retry != BeforeRetry::kNothing &&
                     Info(error).error_class == ErrorClass::kCable && PhoneOf(process) == kNone;
  if (!waits) return End(process, reason);
  process.wanted = Anything;
  process.when_there = [this, &process, reason] { End(process, reason); };
  process.next.Set(kReplugPatience, [this, &process, reason] {
    daemon::Ended gone = reason;
    gone.error = ErrorCode::kPhoneGone;
    End(process, gone);
  });
}

// The last word: written down, said, then the process is gone.
void Processes::End(Process& process, daemon::Ended ended) {
  process.when_there = process.when_gone = nullptr;
  process.stop_soon.Stop();
  process.destructive = false;
  const int phone = PhoneOf(process);
  const bool owes_return = Info(ended.error).error_class == ErrorClass::kStopped && process.moved &&
                           phone != kNone &&
                           floor_.PhoneAt(phone).flash == simulation::Flash::kAsItCame &&
                           floor_.PhoneAt(phone).mode == PhoneMode::kRecovery;
  if (owes_return) {
    ended.lets_go = 180s;
    floor_.Reboot(phone, process.pace.leave, process.pace.into_system, PhoneMode::kNormal);
  }
  process.last_word = ended;
  if (!process.identifies) journals_[process.job.value].last_word = ended;
  Rest(process);
}

// Nobody to tell it to: it waits for the next daemon for a while.
void Processes::Rest(Process& process) {
  if (listener_ == nullptr || !process.linked) return Exit(process, 120s);
  Say(process, [task = process.task, ended = *process.last_word](daemon::TaskListener& to) {
    to.OnFinished(task, ended);
  });
  Exit(process, process.last_word->lets_go.count() > 0
                    ? process.pace.leave + process.pace.into_system
                    : random_.Time(2ms, 60ms));
}

}  // namespace station::simulation
