#include "scheduler/port_machine.h"

#include <algorithm>
#include <array>
#include <set>

namespace station::scheduler {
namespace {

using S = PortState;
using E = PortEvent;
using A = PortAction;
using namespace std::chrono_literals;

// Grouped by state. A row that stays and does nothing says: this was thought of, and nothing is to
// be done. A port before a job is not in the ledger: the daemon that comes back asks its phone
// anew.
constexpr auto kTable = std::to_array<Transition>({
    {S::kEmpty, E::kPhoneCame, S::kIdentifying, A::kIdentify},
    {S::kEmpty, E::kPhoneGone, S::kEmpty, A::kNothing},
    {S::kEmpty, E::kWorkerDied, S::kEmpty, A::kNothing},
    {S::kEmpty, E::kCancel, S::kEmpty, A::kNothing},
    {S::kEmpty, E::kDaemonRestarted, S::kEmpty, A::kNothing},

    {S::kIdentifying, E::kIdentified, S::kIdle, A::kConsiderArmings},
    {S::kIdentifying, E::kNotIdentified, S::kFailed, A::kNothing},
    {S::kIdentifying, E::kWorkerDied, S::kFailed, A::kNothing},
    {S::kIdentifying, E::kPhoneCame, S::kIdentifying, A::kIdentify},
    {S::kIdentifying, E::kPhoneGone, S::kEmpty, A::kForget},
    {S::kIdentifying, E::kCancel, S::kIdentifying, A::kNothing},
    {S::kIdentifying, E::kTimeOut, S::kFailed, A::kNothing},
    {S::kIdentifying, E::kDaemonRestarted, S::kEmpty, A::kForget},

    {S::kIdle, E::kArm, S::kArmed, A::kStartCountdown},
    {S::kIdle, E::kHold, S::kHeld, A::kShowHold},
    {S::kIdle, E::kTry, S::kQueued, A::kStoreTry},
    {S::kIdle, E::kPhoneCame, S::kIdentifying, A::kIdentify},
    {S::kIdle, E::kPhoneGone, S::kEmpty, A::kForget},
    {S::kIdle, E::kWorkerDied, S::kIdle, A::kNothing},
    {S::kIdle, E::kCancel, S::kIdle, A::kNothing},
    {S::kIdle, E::kDaemonRestarted, S::kEmpty, A::kForget},

    {S::kArmed, E::kCountdownOver, S::kQueued, A::kCreateJob},
    {S::kArmed, E::kHold, S::kHeld, A::kShowHold},
    {S::kArmed, E::kDisarm, S::kIdle, A::kStopCountdown},
    {S::kArmed, E::kCancel, S::kIdle, A::kStopCountdown},
    {S::kArmed, E::kPhoneCame, S::kIdentifying, A::kIdentify},
    {S::kArmed, E::kPhoneGone, S::kEmpty, A::kForget},
    {S::kArmed, E::kWorkerDied, S::kArmed, A::kNothing},
    {S::kArmed, E::kTimeOut, S::kIdle, A::kStopCountdown},
    {S::kArmed, E::kDaemonRestarted, S::kEmpty, A::kForget},

    {S::kHeld, E::kArm, S::kArmed, A::kStartCountdown},
    {S::kHeld, E::kHold, S::kHeld, A::kShowHold},
    {S::kHeld, E::kDisarm, S::kIdle, A::kStopCountdown},
    {S::kHeld, E::kCancel, S::kIdle, A::kStopCountdown},
    {S::kHeld, E::kPhoneCame, S::kIdentifying, A::kIdentify},
    {S::kHeld, E::kPhoneGone, S::kEmpty, A::kForget},
    {S::kHeld, E::kWorkerDied, S::kHeld, A::kNothing},
    {S::kHeld, E::kDaemonRestarted, S::kEmpty, A::kForget},

    {S::kQueued, E::kSlot, S::kWorking, A::kRunWorker},
    {S::kQueued, E::kDisarm, S::kIdle, A::kWithdrawJob},
    {S::kQueued, E::kCancel, S::kIdle, A::kWithdrawJob},
    {S::kQueued, E::kPhoneGone, S::kQueued, A::kNothing},
    {S::kQueued, E::kPhoneBack, S::kQueued, A::kNothing},
    {S::kQueued, E::kStayedAway, S::kFailed, A::kLosePhone},
    {S::kQueued, E::kEndedBadly, S::kFailed, A::kEndJob},
    {S::kQueued, E::kWorkerDied, S::kFailed, A::kEndJob},
    {S::kQueued, E::kTimeOut, S::kFailed, A::kEndJob},
    {S::kQueued, E::kDaemonRestarted, S::kQueued, A::kQueueBack},

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
    {S::kWorking, E::kTimeOut, S::kFailed, A::kEndJob},
    {S::kWorking, E::kDaemonRestarted, S::kWorking, A::kTakeBack},

    {S::kCancelling, E::kRestored, S::kDone, A::kEndJob},
    {S::kCancelling, E::kEndedBadly, S::kFailed, A::kEndJob},
    {S::kCancelling, E::kTried, S::kIdle, A::kEndJob},
    {S::kCancelling, E::kWorkerDied, S::kFailed, A::kEndJob},
    {S::kCancelling, E::kCancel, S::kCancelling, A::kSendCancel},
    {S::kCancelling, E::kPhoneGone, S::kCancelling, A::kNothing},
    {S::kCancelling, E::kPhoneBack, S::kCancelling, A::kNothing},
    {S::kCancelling, E::kStayedAway, S::kCancelling, A::kNothing},
    {S::kCancelling, E::kTimeOut, S::kFailed, A::kEndJob},
    // That it was asked to stop is the worker's to remember.
    {S::kCancelling, E::kDaemonRestarted, S::kWorking, A::kTakeBack},

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
    {S::kDone, E::kDaemonRestarted, S::kDone, A::kNothing},

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
    {S::kFailed, E::kDaemonRestarted, S::kFailed, A::kNothing},
});

// Outer limits: what goes on within a state gives up sooner by itself (a step's deadline, tries of
// hands, an arming's expiry). These are for what nobody thought of.
constexpr auto kDeadlines = std::to_array<StateDeadline>({
    {S::kEmpty, 0h, "waits for somebody to plug a phone in"},
    {S::kIdentifying, 6h, "three tries, after all who came before"},
    {S::kIdle, 0h, "waits for somebody to arm it"},
    {S::kArmed, 2h, "the longest countdown is an hour"},
    {S::kHeld, 0h, "waits for what it says is missing"},
    {S::kQueued, 72h, "all who came before, a drained night, the tries of hands"},
    {S::kWorking, 12h, "all steps at their deadlines"},
    {S::kCancelling, 3h, "stream, flash and confirm at their deadlines"},
    {S::kDone, 0h, "a result is shown until somebody takes the phone"},
    {S::kFailed, 0h, "says what to do until somebody does it"},
});

constexpr std::array kAlwaysAnswered = {E::kWorkerDied, E::kPhoneGone, E::kCancel,
                                        E::kDaemonRestarted};
// How it may go wrong by itself: asking, what an armed phone lacks, a job.
constexpr std::array kFailures = {E::kNotIdentified, E::kHold, E::kEndedBadly};

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
    case E::kTimeOut:
      return "time_out";
    case E::kDaemonRestarted:
      return "daemon_restarted";
  }
  return "unknown";
}

Status PortMachine::CheckState(PortState state) const {
  const std::string name(station::Name(state));
  for (const E event : kAlwaysAnswered)
    if (!On(state, event))
      return Fail(ErrorCode::kInternal,
                  name + " does not say what " + std::string(Name(event)) + " means");
  if (std::ranges::count(deadlines_, state, &StateDeadline::state) != 1)
    return Fail(ErrorCode::kInternal, name + " needs one deadline, or says why it has none");
  const bool limited = Limit(state).count() > 0;
  if (On(state, E::kTimeOut).has_value() != limited)
    return Fail(ErrorCode::kInternal, name + ": a deadline and what comes after it go together");
  if (limited &&
      std::ranges::none_of(kFailures, [&](E event) { return On(state, event).has_value(); }))
    return Fail(ErrorCode::kInternal, name + " does not say what a failure means");
  return {};
}

Result<PortMachine> PortMachine::Make(std::span<const Transition> table,
                                      std::span<const StateDeadline> deadlines) {
  const PortMachine machine(table, deadlines);
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
    STATION_CHECK(machine.CheckState(state));
  }
  return machine;
}

PortMachine PortMachine::Standard() { return {kTable, kDeadlines}; }

std::span<const Transition> PortMachine::StandardTable() { return kTable; }

std::span<const StateDeadline> PortMachine::StandardDeadlines() { return kDeadlines; }

std::chrono::seconds PortMachine::Limit(PortState state) const {
  const auto found = std::ranges::find(deadlines_, state, &StateDeadline::state);
  return found == deadlines_.end() ? std::chrono::seconds(0) : found->limit;
}

std::optional<Transition> PortMachine::On(PortState state, PortEvent event) const {
  const auto found = std::ranges::find_if(
      table_, [&](const Transition& row) { return row.from == state && row.event == event; });
  if (found == table_.end()) return std::nullopt;
  return *found;
}

}  // namespace station::scheduler
