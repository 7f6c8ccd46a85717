#include "station/daemon/api/convert.h"

namespace station::daemon {
namespace {

// Mirrored number by number (tests/unit/enum_mirror_test.cc).
template <typename Proto, typename Enum>
Proto Mirror(Enum value) {
  return static_cast<Proto>(value);
}

void ToProto(std::chrono::seconds time, google::protobuf::Duration& message) {
  message.set_seconds(time.count());
}

void ToProto(const ProgressView& progress, v1::Progress& message) {
  message.set_step(Mirror<v1::Step>(progress.step));
  message.set_fraction(progress.fraction);
  message.set_step_fraction(progress.step_fraction);
  message.set_bytes_done(progress.bytes_done);
  message.set_bytes_total(progress.bytes_total);
  message.set_bytes_per_second(progress.bytes_per_second);
  if (progress.eta) ToProto(*progress.eta, *message.mutable_eta());
}

// Rounded up: a part of a second is a second.
Result<std::chrono::seconds> FromProto(const google::protobuf::Duration& duration,
                                       const char* what) {
  constexpr std::int64_t kYear = 366 * 24 * 3600;
  const std::int64_t seconds = duration.seconds() + (duration.nanos() > 0 ? 1 : 0);
  if (duration.seconds() < 0 || duration.nanos() < 0 || seconds > kYear)
    return Fail(ErrorCode::kBadRequest, std::string(what) + " must be from 0 s to a year");
  return std::chrono::seconds(seconds);
}

}  // namespace

void ToProto(ledger::UnixMillis time, google::protobuf::Timestamp& message) {
  message.set_seconds(time.value / 1000);
  message.set_nanos(static_cast<std::int32_t>(time.value % 1000) * 1'000'000);
}

void ToProto(const ledger::PhoneFacts& phone, v1::Phone& message) {
  if (phone.ecid.Known()) message.set_ecid(ToString(phone.ecid));
  message.set_udid(phone.udid);
  message.set_serial_number(phone.serial_number);
  message.set_product(phone.product);
  message.set_product_name(phone.product_name);
  message.set_board(phone.board);
  message.set_os_version(phone.os_version);
  message.set_os_build(phone.os_build);
  message.set_mode(Mirror<v1::PhoneMode>(phone.mode));
}

void ToProto(const PortView& port, v1::Port& message) {
  message.set_key(port.key.value);
  message.set_path(port.path);
  message.set_label(port.label);
  message.set_state(Mirror<v1::PortState>(port.state));
  ToProto(port.phone, *message.mutable_phone());
  if (port.progress.step != Step::kNone || port.progress.fraction > 0)
    ToProto(port.progress, *message.mutable_progress());
  message.set_job_id(port.job.value);
  message.set_error_code(Mirror<v1::ErrorCode>(port.Shown()));
  message.set_what_to_do(port.what_to_do);
  message.set_speed(port.speed);
  message.set_arming_id(port.arming);
  if (port.armed_until) ToProto(ToUnixMillis(*port.armed_until), *message.mutable_armed_until());
  message.set_outcome(Mirror<v1::Outcome>(port.outcome));
  message.set_revision(port.revision);
  ToProto(ToUnixMillis(port.changed), *message.mutable_changed_at());
  message.set_simulated(port.simulated);
  message.set_rung(port.rung);
  message.set_quarantined(port.quarantined);
  message.set_recent_attempts(static_cast<std::int32_t>(port.attempts));
  message.set_recent_failures(static_cast<std::int32_t>(port.failures));
  message.set_blame(port.blame);
  if (!port.hands) return;
  v1::HandsWait& hands = *message.mutable_hands();
  hands.set_attempt(port.hands->attempt);
  hands.set_of(port.hands->of);
  ToProto(ToUnixMillis(port.hands->until), *hands.mutable_until());
  for (const std::string& step : port.hands->steps) hands.add_steps(step);
}

void ToProto(const ledger::JobRow& job, v1::Job& message) {
  message.set_id(job.id.value);
  message.set_port_key(job.port.value);
  message.set_port_label(job.port_label);
  message.set_action(Mirror<v1::Action>(job.action));
  ToProto(job.phone, *message.mutable_phone());
  message.set_firmware_sha256(job.firmware_sha256);
  message.set_firmware_version(job.firmware_version);
  message.set_outcome(Mirror<v1::Outcome>(job.outcome));
  message.set_error_code(Mirror<v1::ErrorCode>(job.error));
  if (job.error != ErrorCode::kNone) message.set_what_to_do(std::string(OperatorLine(job.error)));
  message.set_context(job.context);
  message.set_step(Mirror<v1::Step>(job.step));
  message.set_attempt(job.attempt);
  if (job.created.value != 0) ToProto(job.created, *message.mutable_created_at());
  if (job.ended.value != 0) ToProto(job.ended, *message.mutable_ended_at());
  message.set_arming_id(job.arming_id);
  message.set_actor(job.actor);
  message.set_signer_root(job.signer_root);
  message.set_simulated(job.simulated);
  message.set_os_build_after(job.os_build_after);
  for (const ledger::StepRow& step : job.steps) {
    v1::StepRecord& record = *message.add_steps();
    record.set_step(Mirror<v1::Step>(step.step));
    record.set_attempt(step.attempt);
    record.set_bytes(step.bytes);
    ToProto(step.started, *record.mutable_started_at());
    if (step.ended.value != 0) ToProto(step.ended, *record.mutable_ended_at());
  }
  for (const ledger::AttemptRow& attempt : job.attempts) {
    v1::AttemptRecord& record = *message.add_attempts();
    record.set_attempt(attempt.attempt);
    record.set_rung(attempt.rung);
    record.set_error_code(Mirror<v1::ErrorCode>(attempt.error));
    ToProto(attempt.ended, *record.mutable_ended_at());
  }
}

void ToProto(const scheduler::Arming& arming, WallTime now, v1::Arming& message) {
  message.set_id(arming.id.value);
  for (const PortKey& port : arming.ports) message.add_port_keys(port.value);
  for (const Ecid ecid : arming.ecids) message.add_ecids(ToString(ecid));
  for (const std::string& serial : arming.serial_numbers) message.add_serial_numbers(serial);
  message.set_action(Mirror<v1::Action>(arming.action));
  message.set_firmware(arming.firmware);
  message.set_count(arming.count);
  message.set_used(arming.Used());
  message.set_actor(arming.actor);
  ToProto(ToUnixMillis(arming.created), *message.mutable_created_at());
  ToProto(ToUnixMillis(arming.expires), *message.mutable_expires_at());
  message.set_active(arming.Open(now));
  ToProto(arming.countdown, *message.mutable_countdown());
}

void ToProto(const ArmTarget& target, v1::ArmTarget& message) {
  message.set_port_label(target.port_label);
  message.set_port_key(target.port.value);
  ToProto(target.phone, *message.mutable_phone());
  message.set_firmware_version(target.firmware_version);
  message.set_firmware_sha256(target.firmware_sha256);
  message.set_will_wipe(target.will_wipe);
  message.set_error_code(Mirror<v1::ErrorCode>(target.error));
  if (target.error != ErrorCode::kNone)
    message.set_what_to_do(std::string(OperatorLine(target.error)));
}

void ToProto(const scheduler::CartPlan& plan, v1::CartFit& message) {
  message.set_phones(static_cast<std::int32_t>(plan.phones));
  message.set_at_once(static_cast<std::int32_t>(plan.at_once));
  message.set_waves(static_cast<std::int32_t>(plan.waves));
  ToProto(plan.time, *message.mutable_time());
  if (!plan.binds) return;
  message.set_binds(std::string(Name(plan.binds->budget)));
  message.set_binds_of(plan.binds->of);
}

void ToProto(const BlameRow& row, v1::Blame& message) {
  message.set_suspect(std::string(Name(row.suspect)));
  message.set_name(row.name);
  message.set_attempts(static_cast<std::int32_t>(row.count.attempts));
  message.set_failures(static_cast<std::int32_t>(row.count.failures));
  message.set_phones_failed(static_cast<std::int32_t>(row.count.phones_failed));
  message.set_elsewhere(static_cast<std::int32_t>(row.count.elsewhere));
  message.set_bad(row.bad);
}

void ToProto(const store::Entry& entry, int leases, v1::Firmware& message) {
  message.set_sha256(ToHex(entry.sha256));
  message.set_size(entry.size);
  message.set_version(entry.version);
  message.set_build(entry.build);
  for (const std::string& product : entry.products) message.add_products(product);
  message.set_source(entry.source);
  message.mutable_added_at()->set_seconds(entry.added_unix);
  message.set_leases(leases);
}

namespace {

Result<Action> FromProto(v1::Action action) {
  if (action == v1::ACTION_ERASE) return Action::kErase;
  if (action == v1::ACTION_UPDATE) return Action::kUpdate;
  return Fail(ErrorCode::kBadRequest, "the action is erase or update");
}

}  // namespace

Result<Drain> FromProto(v1::Drain drain) {
  for (const Drain known : kAllDrains)
    if (static_cast<int>(known) == static_cast<int>(drain)) return known;
  return Fail(ErrorCode::kBadRequest, "drain is off, on or ups");
}

Result<PortActSpec> FromProto(const v1::ActOnPortRequest& request) {
  for (const usb::PortAct act : usb::kAllPortActs)
    if (act != usb::PortAct::kMuxRestart && request.act() == Name(act))
      return PortActSpec{request.port(), act};
  return Fail(ErrorCode::kBadRequest, "acts are power_on, power_off, power_cycle, reset");
}

Result<TrySpec> FromProto(const v1::TryRequest& request) {
  STATION_TRY(action, FromProto(request.action()));
  return TrySpec{request.port(), action, request.firmware(), request.ask_ticket()};
}

Result<ArmSpec> FromProto(const v1::ArmRequest& request) {
  ArmSpec spec;
  spec.ports = {request.ports().begin(), request.ports().end()};
  spec.ecids = {request.ecids().begin(), request.ecids().end()};
  spec.serial_numbers = {request.serial_numbers().begin(), request.serial_numbers().end()};
  STATION_TRY(action, FromProto(request.action()));
  spec.action = action;
  spec.firmware = request.firmware();
  spec.count = request.count();
  if (request.has_expires_in()) {
    STATION_TRY(time, FromProto(request.expires_in(), "expires_in"));
    if (time.count() > 0) spec.expires_in = time;
  }
  if (request.has_countdown()) {
    STATION_TRY(time, FromProto(request.countdown(), "countdown"));
    spec.countdown = time;
  }
  return spec;
}

}  // namespace station::daemon
