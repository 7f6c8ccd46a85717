#pragma once
// What may happen to a port, as one table: (state, event) -> (state, action). See README.md for the
// picture.

#include <array>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "station/base/enums.h"
#include "station/base/result.h"

namespace station::scheduler {

enum class PortEvent : std::uint8_t {
  kPhoneCame,   // a phone, or the same one in another mode or freshly plugged, that must be asked
                // who it is
  kPhoneBack,   // it re-appeared and is known to be part of what the port shows
  kPhoneGone,   // the port is bare now
  kStayedAway,  // bare for longer than a re-enumeration takes
  kIdentified,  // the worker said who it is
  kNotIdentified,    // it could not, also not when asked again
  kArm,              // an arming takes the phone, and nothing is in the way
  kHold,             // an arming takes the phone, but something is missing or forbids it
  kDisarm,           // no arming takes it any more
  kCountdownOver,    // nobody changed their mind
  kSlot,             // the job row is durable and a worker slot is free
  kRestored,         // the worker ended well
  kEndedBadly,       // the worker ended with an error
  kWorkerDied,       // the worker is gone without a word
  kTryAgain,         // the attempt failed, the job has another one
  kNeedsHands,       // it goes on once somebody has done something at the phone
  kTry,              // an operator wants a dry run
  kTried,            // it came to its end, well or not
  kCancel,           // an operator wants it to stop
  kTimeOut,          // it was in that state for longer than the state's deadline
  kDaemonRestarted,  // it was in that state, as the ledger remembers it, when the daemon went
};
inline constexpr std::array kAllPortEvents = {
    PortEvent::kPhoneCame,     PortEvent::kPhoneBack,  PortEvent::kPhoneGone,
    PortEvent::kStayedAway,    PortEvent::kIdentified, PortEvent::kNotIdentified,
    PortEvent::kArm,           PortEvent::kHold,       PortEvent::kDisarm,
    PortEvent::kCountdownOver, PortEvent::kSlot,       PortEvent::kRestored,
    PortEvent::kEndedBadly,    PortEvent::kWorkerDied, PortEvent::kTryAgain,
    PortEvent::kNeedsHands,    PortEvent::kTry,        PortEvent::kTried,
    PortEvent::kCancel,        PortEvent::kTimeOut,    PortEvent::kDaemonRestarted};
[[nodiscard]] std::string_view Name(PortEvent event);

// What the daemon does on a transition.
enum class PortAction : std::uint8_t {
  kNothing,
  kIdentify,         // start (or queue) the worker that asks
  kForget,           // the phone's details go; nothing is at the port
  kConsiderArmings,  // does an arming take this phone?
  kStartCountdown,
  kStopCountdown,  // and whatever held it
  kShowHold,
  kStoreTry,     // make a dry run's row durable, then ask for a slot
  kCreateJob,    // consume the arming, make the row durable, then ask for a slot
  kWithdrawJob,  // a job that never began ends: cancelled
  kLosePhone,    // a job that never began ends: the phone left
  kRunWorker,
  kSendCancel,
  kEndJob,      // write the end, show it
  kQueueAgain,  // next attempt of the same job
  kAwaitHands,  // for so long, so many times
  kQueueBack,   // a job nobody began: its turn and its phone are awaited anew
  kTakeBack,    // adopt the worker that outlived the daemon, or take its last word
};

struct Transition {
  PortState from;
  PortEvent event;
  PortState to;
  PortAction action;
};

// How long a port may be in a state; one without a limit waits for a person.
struct StateDeadline {
  PortState state;
  std::chrono::seconds limit;  // 0: none
  std::string_view why;
};

class PortMachine {
 public:
  // kInternal, naming the hole, when the table is ambiguous; a state cannot be reached, has not one
  // deadline (or reason for having none), or has one and does not say what comes after it and after
  // a failure; or one does not say what happens when its worker dies, its phone goes, an operator
  // cancels or the daemon comes back. For the station's own table: never fails.
  [[nodiscard]] static Result<PortMachine> Make(std::span<const Transition> table,
                                                std::span<const StateDeadline> deadlines);
  [[nodiscard]] static PortMachine Standard();
  [[nodiscard]] static std::span<const Transition> StandardTable();
  [[nodiscard]] static std::span<const StateDeadline> StandardDeadlines();

  // Nothing when the event means nothing in that state; it is then ignored.
  [[nodiscard]] std::optional<Transition> On(PortState state, PortEvent event) const;
  // 0: none.
  [[nodiscard]] std::chrono::seconds Limit(PortState state) const;

 private:
  PortMachine(std::span<const Transition> table, std::span<const StateDeadline> deadlines)
      : table_(table), deadlines_(deadlines) {}
  [[nodiscard]] Status CheckState(PortState state) const;

  std::span<const Transition> table_;
  std::span<const StateDeadline> deadlines_;
};

}  // namespace station::scheduler
