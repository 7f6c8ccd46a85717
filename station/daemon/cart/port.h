#pragma once
// One port as the state thread knows it.

#include <optional>
#include <string>
#include <vector>

#include "scheduler/arming.h"
#include "scheduler/ladder.h"
#include "scheduler/verdict.h"
#include "station/daemon/cart/clock.h"
#include "station/daemon/cart/progress.h"
#include "station/daemon/cart/view.h"
#include "station/store/keeper/shelf.h"
#include "station/usb/port_act.h"
#include "station/usb/topology.h"

namespace station::daemon {

// What a job waits for.
struct HandsWait {
  scheduler::Hands for_what = scheduler::Hands::kNone;
  bool next_is_ready = false;  // the attempt that goes on is numbered already
};

struct Port {
  explicit Port(Clock& clock)
      : away(clock),
        hands_over(clock),
        countdown(clock),
        mux_wait(clock),
        deadline(clock),
        cancel_grace(clock),
        state_limit(clock),
        publish(clock),
        settle(clock),
        listing(clock) {}

  PortView view;
  std::optional<usb::UsbPhone> usb;  // what is plugged in now
  std::vector<std::string> paths;    // its sides, as last seen

  // The process that works for this port, and the row it fills.
  std::string task;                        // empty: none
  std::optional<ledger::JobRow> job;       // the running or last restore job
  std::optional<ledger::JobRow> identify;  // the running identify job
  int identify_tries = 0;
  bool task_ended = false;          // it said its last word; only its exit is missing
  bool queue_when_gone = false;     // the next attempt waits for that exit
  bool identify_when_gone = false;  // asking its phone does
  bool queue_when_stored = false;   // the next attempt waits for its firmware
  std::optional<HandsWait> hands;   // it waits for somebody at the phone
  int hand_tries = 0;               // of this job
  ErrorCode killed_for = ErrorCode::kNone;
  std::string ended_context;  // with killed_for
  bool destructive = false;   // of the running step
  std::optional<ledger::StepRow> step;
  SteadyTime step_began{};
  ProgressMeter meter;
  store::Lease lease;
  bool ask_ticket = false;      // of a dry run: the signing server is asked as well
  bool by_hand = false;         // an operator asked for this attempt
  bool seen_since_end = false;  // the phone was there after its job had ended

  std::optional<scheduler::ArmingId> arming;  // that takes it (armed, held)
  ErrorCode hold = ErrorCode::kNone;

  Timer away;          // no phone for how long?
  Timer hands_over;    // of one try
  Timer countdown;     // to the job
  Timer mux_wait;      // for usbmuxd to list the phone
  Timer deadline;      // of the running step
  Timer cancel_grace;  // for a cancelled worker to end by itself
  Timer state_limit;   // of the state it is in
  Timer publish;       // of coalesced progress
  SteadyTime published{};

  // The recovery ladder (scheduler/ladder.h).
  scheduler::Rung rung = scheduler::Rung::kNone;  // of the running or next attempt
  std::optional<usb::PortAct> act_due;            // before the next attempt is queued
  bool acting = false;                            // it is being done, or the phone awaited after it
  Timer settle;                                   // for the phone to be back
  Timer listing;                                  // for usbmuxd to list the phone

  [[nodiscard]] scheduler::Candidate AsCandidate() const {
    return {view.key, view.phone.ecid, view.phone.serial_number, view.phone.udid,
            view.phone.product};
  }
};

}  // namespace station::daemon
