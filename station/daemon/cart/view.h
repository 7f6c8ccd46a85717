#pragma once
// What a port looks like from outside, and who is told when that changes.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/budgets.h"
#include "station/base/enums.h"
#include "station/base/error_code.h"
#include "station/daemon/cart/clock.h"
#include "station/ledger/records.h"

namespace station::daemon {

struct ProgressView {
  Step step = Step::kNone;
  double fraction = 0;  // of the whole job
  double step_fraction = 0;
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;
  double bytes_per_second = 0;
  std::optional<std::chrono::seconds> eta;
};

// A job waits for somebody at the phone.
struct HandsView {
  int attempt = 0;  // of the tries somebody is given
  int of = 0;
  WallTime until{};
  std::vector<std::string> steps;  // which buttons
};

struct PortView {
  PortKey key;
  std::string path;  // empty while nothing is plugged in
  std::string label;
  PortState state = PortState::kEmpty;
  ledger::PhoneFacts phone;
  ProgressView progress;
  JobId job;
  ErrorCode error = ErrorCode::kNone;
  std::string what_to_do;
  std::optional<HandsView> hands;
  std::string speed;
  std::int64_t arming = 0;
  std::optional<WallTime> armed_until;
  Outcome outcome = Outcome::kNone;
  std::uint64_t revision = 0;
  WallTime changed{};
  bool simulated = false;
  bool unlisted = false;  // on USB in normal mode, and usbmuxd does not list it
  std::string rung = {};     // what was done before the running or last attempt; empty: nothing
  bool quarantined = false;  // no new job until it was serviced
  std::size_t attempts = 0;  // the newest, since it was serviced last
  std::size_t failures = 0;  // of those
  std::string blame = {};    // the same in words; empty: no failures

  // What stands in its way, also beside its job.
  [[nodiscard]] ErrorCode Shown() const {
    return error == ErrorCode::kNone && unlisted ? ErrorCode::kPhoneNotListed : error;
  }
};

[[nodiscard]] inline bool LacksFirmware(const PortView& port) {
  const bool waits = port.state == PortState::kHeld || port.state == PortState::kQueued;
  return waits &&
         (port.error == ErrorCode::kFirmwareAbsent || port.error == ErrorCode::kFirmwareRotted);
}

// The station's own numbers, beside the ports'.
struct CartView {
  bool emergency_stop = false;
  Drain drain = Drain::kOff;
  std::size_t limit = 0;                                      // jobs at once now
  std::size_t configured = 0;                                 // at most
  std::map<scheduler::Budget, std::size_t> waiting_for = {};  // jobs, by what they lack
  std::size_t working = 0;
  std::size_t queued = 0;
  bool mux_connected = false;
};

// Called on the state thread; must not wait for anything.
class CartObserver {
 public:
  virtual ~CartObserver() = default;
  virtual void OnPort(const PortView& port) = 0;  // at most five times a second for progress alone
  virtual void OnCart(const CartView& cart) = 0;
  virtual void OnJobEnded(const ledger::JobRow& job) = 0;  // restore jobs only
  virtual void OnHubLost(const std::string&, std::size_t) {}  // which, and how many phones with it
  virtual void OnRung(const PortView&) {}  // something is done before the next attempt
  virtual void OnAttemptEnded(const ledger::JobRow&) {}  // of a restore job, before what follows
  virtual void OnStepEnded(Step step, std::chrono::duration<double> time) = 0;
  virtual void OnBytes(const PortView& port, std::uint64_t more) = 0;
};

}  // namespace station::daemon
