#pragma once
// What the ledger keeps, as plain structs. Times are wall clock, milliseconds since 1970; 0 is "not
// (yet)".

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "station/base/enums.h"
#include "station/base/error_code.h"
#include "station/base/ids.h"

namespace station::ledger {

struct UnixMillis {
  std::int64_t value = 0;
  friend auto operator<=>(const UnixMillis&, const UnixMillis&) = default;
};

struct PhoneFacts {
  Ecid ecid;
  std::string udid;
  std::string serial_number;
  std::string product;
  std::string product_name;
  std::string board;
  std::string os_version;
  std::string os_build;
  PhoneMode mode = PhoneMode::kNone;
  std::uint32_t chip_id = 0;
  std::uint32_t board_id = 0;
  friend bool operator==(const PhoneFacts&, const PhoneFacts&) = default;
};

struct StepRow {
  int attempt = 1;
  Step step = Step::kNone;
  UnixMillis started;
  UnixMillis ended;
  std::uint64_t bytes = 0;
};

// One attempt that ended.
struct AttemptRow {
  int attempt = 1;
  std::string rung;  // what was done before it; empty: nothing
  ErrorCode error = ErrorCode::kNone;
  UnixMillis ended;
};

struct JobRow {
  JobId id;
  Action action = Action::kErase;
  PortKey port;
  std::string port_label;
  PhoneFacts phone;  // as it was when the job was made
  std::string firmware_sha256;
  std::string firmware_version;
  std::int64_t arming_id = 0;
  std::string actor;
  int attempt = 1;
  UnixMillis created;
  UnixMillis began;  // the first worker was started
  UnixMillis ended;
  Outcome outcome = Outcome::kNone;
  ErrorCode error = ErrorCode::kNone;
  std::string context;
  Step step = Step::kNone;
  std::string signer_root;
  bool simulated = false;
  std::string os_build_after;
  std::vector<StepRow> steps;        // only when asked for one job
  std::vector<AttemptRow> attempts;  // as well
};

struct ArmingRow {
  std::int64_t id = 0;
  std::vector<std::string> ports;
  std::vector<std::string> ecids;  // "0x..."
  std::vector<std::string> serial_numbers;
  Action action = Action::kErase;
  std::string firmware;
  int count = 0;
  std::string actor;
  UnixMillis created;
  UnixMillis expires;
  std::int64_t countdown_seconds = 0;
  bool active = true;
  std::vector<std::string> taken;  // ECIDs it made a job for
  std::vector<std::string> let_go_ports;
  std::vector<std::string> let_go_phones;
};

struct EventRow {
  UnixMillis at;
  std::string kind;  // "armed", "emergency_stop", ...
  std::int64_t job_id = 0;
  std::string port;
  std::string actor;
  std::string text;
};

// An attempt with what it was about.
struct AttemptOf {
  PortKey port;
  Ecid ecid;
  std::string firmware_sha256;
  AttemptRow attempt;
};

// What can be appended. Each is one row, or a change of one.
struct PutJob {  // new, or all of it anew
  JobRow job;
};
struct PutStep {  // the running step of an attempt; the same (job, attempt, step, started) again
                  // updates it
  JobId job;
  StepRow step;
};
struct PutAttempt {
  JobId job;
  AttemptRow attempt;
};
struct PutArming {
  ArmingRow arming;
};
struct PutPhone {
  PhoneFacts phone;
  UnixMillis seen;
};
struct PutLabel {
  PortKey port;
  std::string label;  // empty takes it away
};
struct PutEvent {
  EventRow event;
};
struct PutAnswer {  // of an act with a request id; the first one stays
  std::string request_id;
  std::string method;
  std::string answer;
  UnixMillis at;
};
struct PutSetting {
  std::string key;
  std::string value;
};
using Record = std::variant<PutJob, PutStep, PutAttempt, PutArming, PutPhone, PutLabel, PutEvent,
                            PutAnswer, PutSetting>;

}  // namespace station::ledger
