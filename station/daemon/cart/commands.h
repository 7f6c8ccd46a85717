#pragma once
// What operators ask of the cart, and what it answers: plain structs of the API's messages.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/arming.h"
#include "scheduler/blame.h"
#include "scheduler/cart_plan.h"
#include "station/daemon/cart/view.h"
#include "station/usb/port_act.h"

namespace station::daemon {

struct ArmSpec {
  std::vector<std::string> ports;  // labels, paths or keys
  std::vector<std::string> ecids;
  std::vector<std::string> serial_numbers;
  Action action = Action::kErase;
  std::string firmware;
  std::optional<std::chrono::seconds> expires_in;
  int count = 0;  // 0: one for each port and phone named
  std::optional<std::chrono::seconds> countdown;
  std::string actor;
};

struct ArmTarget {
  std::uint64_t firmware_bytes = 0;
  std::string port_label;
  PortKey port;
  ledger::PhoneFacts phone;
  std::string firmware_version;
  std::string firmware_sha256;
  bool will_wipe = false;
  ErrorCode error = ErrorCode::kNone;
};

struct ArmPlan {
  std::vector<ArmTarget> targets;
  scheduler::CartPlan fit;
};

struct ArmAnswer {
  scheduler::Arming arming;
  std::vector<ArmTarget> targets;
};

struct DisarmSpec {
  std::int64_t arming = 0;         // 0: every one
  std::vector<std::string> ports;  // when given, only these are let go
};

// A dry run.
struct TrySpec {
  std::string port;  // label, path or key
  Action action = Action::kErase;
  std::string firmware;     // beginning of a SHA-256; empty: the newest for the product
  bool ask_ticket = false;  // also ask the signing server; else nobody is told
};

// Something to be done to a port now.
struct PortActSpec {
  std::string port;
  usb::PortAct act = usb::PortAct::kReset;
};

struct BlameRow {
  scheduler::Suspect suspect = scheduler::Suspect::kPort;
  std::string name;  // a port's label, a hub's place, a phone's ECID, a firmware's SHA-256
  scheduler::Count count;
  bool bad = false;
};

// Which job: by number, or the one of a port.
struct JobRef {
  JobId id;
  std::string port;
};

}  // namespace station::daemon
