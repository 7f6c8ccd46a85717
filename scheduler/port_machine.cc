#include "scheduler/port_machine.h"

#include <algorithm>
#include <array>
#include <set>

namespace station::scheduler {
namespace {

using S = PortState;
using E = PortEvent;
using A = PortAction;

// Grouped by state. A row that stays and does nothing says: this was thought of, and nothing is to
// be done.
constexpr auto kTable = std::to_array<Transition>({
    {S::kEmpty, E::kPhoneCame, S::kIdentifying, A::kIdentify},
    {S::kEmpty, E::kPhoneGone, S::kEmpty, A::kNothing},
    {S::kEmpty, E::kWorkerDied, S::kEmpty, A::kNothing},
    {S::kEmpty, E::kCancel, S::kEmpty, A::kNothing},

    {S::kIdentifying, E::kIdentified, S::kIdle, A::kConsiderArmings},
    {S::kIdentifying, E::kNotIdentified, S::kFailed, A::kNothing},
    {S::kIdentifying, E::kWorkerDied, S::kFailed, A::kNothing},
    {S::kIdentifying, E::kPhoneCame, S::kIdentifying, A::kIdentify},
    {S::kIdentifying, E::kPhoneGone, S::kEmpty, A::kForget},
    {S::kIdentifying, E::kCancel, S::kIdentifying, A::kNothing},

    {S::kIdle, E::kArm, S::kArmed, A::kStartCountdown},
    {S::kIdle, E::kHold, S::kHeld, A::kShowHold},
    {S::kIdle, E::kTry, S::kQueued, A::kStoreTry},
    {S::kIdle, E::kPhoneCame, S::kIdentifying, A::kIdentify},
    {S::kIdle, E::kPhoneGone, S::kEmpty, A::kForget},
    {S::kIdle, E::kWorkerDied, S::kIdle, A::kNothing},
    {S::kIdle, E::kCancel, S::kIdle, A::kNothing},

    {S::kArmed, E::kCountdownOver, S::kQueued, A::kCreateJob},
    {S::kArmed, E::kHold, S::kHeld, A::kShowHold},
    {S::kArmed, E::kDisarm, S::kIdle, A::kStopCountdown},
    {S::kArmed, E::kCancel, S::kIdle, A::kStopCountdown},
    {S::kArmed, E::kPhoneCame, S::kIdentifying, A::kIdentify},
    {S::kArmed, E::kPhoneGone, S::kEmpty, A::kForget},
    {S::kArmed, E::kWorkerDied, S::kArmed, A::kNothing},

    {S::kHeld, E::kArm, S::kArmed, A::kStartCountdown},
    {S::kHeld, E::kHold, S::kHeld, A::kShowHold},
    {S::kHeld, E::kDisarm, S::kIdle, A::kStopCountdown},
    {S::kHeld, E::kCancel, S::kIdle, A::kStopCountdown},
    {S::kHeld, E::kPhoneCame, S::kIdentifying, A::kIdentify},
    {S::kHeld, E::kPhoneGone, S::kEmpty, A::kForget},
    {S::kHeld, E::kWorkerDied, S::kHeld, A::kNothing},

    {S::kQueued, E::kSlot, S::kWorking, A::kRunWorker},
    {S::kQueued, E::kDisarm, S::kIdle, A::kWithdrawJob},
    {S::kQueued, E::kCancel, S::kIdle, A::kWithdrawJob},
    {S::kQueued, E::kPhoneGone, S::kQueued, A::kNothing},
    {S::kQueued, E::kPhoneBack, S::kQueued, A::kNothing},
    {S::kQueued, E::kStayedAway, S::kFailed, A::kLosePhone},
    {S::kQueued, E::kEndedBadly, S::kFailed, A::kEndJob},
    {S::kQueued, E::kWorkerDied, S::kFailed, A::kEndJob},

    // The phone comes and goes, that is what a restore looks like; the worker waits for it and
    // reports.
    {S::kWorking, E::kRestored, S::kDone, A::kEndJob},
    {S::kWorking, E::kEndedBadly, S::kFailed, A::kEndJob},
    {S::kWorking, E::kWorkerDied, S::kFailed, A::kEndJob},
    {S::kWorking, E::kTryAgain, S::kQueued, A::kQueueAgain},
    {S::kWorking, E::kNeedsHands, S::kQueued, A::kAwaitHands},
    {S::kWorking, E::kTried, S::kIdle, A::kEndJob},
    {S::kWorking, E::kCancel, S::kCancelling, A::kSendCancel},
    {S::kWorking, E::kPhoneGone, S::kWorking, A::kNothing},
    {S::kWorking, E::kPhoneBack, S::kWorking, A::kNothing},
    {S::kWorking, E::kStayedAway, S::kWorking, A::kNothing},

    {S::kCancelling, E::kRestored, S::kDone, A::kEndJob},
    {S::kCancelling, E::kEndedBadly, S::kFailed, A::kEndJob},
    {S::kCancelling, E::kTried, S::kIdle, A::kEndJob},
    {S::kCancelling, E::kWorkerDied, S::kFailed, A::kEndJob},
    {S::kCancelling, E::kCancel, S::kCancelling, A::kSendCancel},
    {S::kCancelling, E::kPhoneGone, S::kCancelling, A::kNothing},
    {S::kCancelling, E::kPhoneBack, S::kCancelling, A::kNothing},
    {S::kCancelling, E::kStayedAway, S::kCancelling, A::kNothing},

    // A result stays visible until the phone has really left, another one is there, or it is armed
    // anew.
    {S::kDone, E::kPhoneGone, S::kDone, A::kNothing},
    {S::kDone, E::kPhoneBack, S::kDone, A::kNothing},
    {S::kDone, E::kStayedAway, S::kEmpty, A::kForget},
    {S::kDone, E::kPhoneCame, S::kIdentifying, A::kIdentify},
    {S::kDone, E::kArm, S::kArmed, A::kStartCountdown},
    {S::kDone, E::kHold, S::kHeld, A::kShowHold},
    {S::kDone, E::kTry, S::kQueued, A::kStoreTry},
    {S::kDone, E::kWorkerDied, S::kDone, A::kNothing},
    {S::kDone, E::kCancel, S::kDone, A::kNothing},

    {S::kFailed, E::kPhoneGone, S::kFailed, A::kNothing},
    {S::kFailed, E::kPhoneBack, S::kFailed, A::kNothing},
    {S::kFailed, E::kStayedAway, S::kEmpty, A::kForget},
    {S::kFailed, E::kPhoneCame, S::kIdentifying, A::kIdentify},
    {S::kFailed, E::kArm, S::kArmed, A::kStartCountdown},
    {S::kFailed, E::kHold, S::kHeld, A::kShowHold},
    {S::kFailed, E::kTry, S::kQueued, A::kStoreTry},
    {S::kFailed, E::kTryAgain, S::kQueued, A::kQueueAgain},
    {S::kFailed, E::kWorkerDied, S::kFailed, A::kNothing},
    {S::kFailed, E::kCancel, S::kFailed, A::kNothing},
});

constexpr std::array kAlwaysAnswered = {E::kWorkerDied, E::kPhoneGone, E::kCancel};

std::set<S> ReachableFromEmpty(std::span<const Transition> table) {
  std::set<S> seen = {S::kEmpty};
  for (bool grew = true; grew;) {
    grew = false;
    for (const Transition& row : table)
      if (seen.contains(row.from) && seen.insert(row.to).second) grew = true;
  }
  return seen;
}

}  // namespace

std::string_view Name(PortEvent event) {
  switch (event) {
    case E::kPhoneCame:
      return "phone_came";
    case E::kPhoneBack:
      return "phone_back";
    case E::kPhoneGone:
      return "phone_gone";
    case E::kStayedAway:
      return "stayed_away";
    case E::kIdentified:
      return "identified";
    case E::kNotIdentified:
      return "not_identified";
    case E::kArm:
      return "arm";
    case E::kHold:
      return "hold";
    case E::kDisarm:
      return "disarm";
    case E::kCountdownOver:
      return "countdown_over";
    case E::kSlot:
      return "slot";
    case E::kRestored:
      return "restored";
    case E::kEndedBadly:
      return "ended_badly";
    case E::kWorkerDied:
      return "worker_died";
    case E::kTryAgain:
      return "try_again";
    case E::kNeedsHands:
      return "needs_hands";
    case E::kTry:
      return "try";
    case E::kTried:
      return "tried";
    case E::kCancel:
      return "cancel";
  }
  return "unknown";
}

Result<PortMachine> PortMachine::Make(std::span<const Transition> table) {
  const PortMachine machine(table);
  for (const Transition& row : table) {
    const auto same = [&](const Transition& other) {
      return other.from == row.from && other.event == row.event;
    };
    if (std::ranges::count_if(table, same) != 1)
      return Fail(ErrorCode::kInternal, std::string("two rows for ") +
                                            std::string(station::Name(row.from)) + " and " +
                                            std::string(Name(row.event)));
  }
  const std::set<S> reachable = ReachableFromEmpty(table);
  for (const S state : kAllPortStates) {
    if (!reachable.contains(state))
      return Fail(ErrorCode::kInternal, "no way leads to " + std::string(station::Name(state)));
    for (const E event : kAlwaysAnswered)
      if (!machine.On(state, event))
        return Fail(ErrorCode::kInternal, std::string(station::Name(state)) +
                                              " does not say what " + std::string(Name(event)) +
                                              " means");
  }
  return machine;
}

PortMachine PortMachine::Standard() { return PortMachine(kTable); }

std::span<const Transition> PortMachine::StandardTable() { return kTable; }

std::optional<Transition> PortMachine::On(PortState state, PortEvent event) const {
  const auto found = std::ranges::find_if(
      table_, [&](const Transition& row) { return row.from == state && row.event == event; });
  if (found == table_.end()) return std::nullopt;
  return *found;
}

}  // namespace station::scheduler
