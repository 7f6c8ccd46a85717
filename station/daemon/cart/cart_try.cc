// Dry runs: a job that reads and plans, for a port whose phone nobody has armed. It takes a slot
// like any other, writes nothing, and leaves the port as it found it.

#include "scheduler/verdict.h"
#include "station/daemon/cart/cart.h"

namespace station::daemon {

using scheduler::PortEvent;

Status Cart::MayTry(const Port& port) const {
  STATION_CHECK(MayBegin());
  if (!machine_.On(port.view.state, PortEvent::kTry))
    return Fail(ErrorCode::kBadRequest, "port " + port.view.label + " is " +
                                            std::string(Name(port.view.state)) +
                                            "; a dry run is for one that is idle, done or failed");
  if (!port.usb) return Fail(ErrorCode::kPhoneGone, "no phone on port " + port.view.label);
  if (!port.view.phone.ecid.Known())
    return Fail(ErrorCode::kPhoneIdentityUnreadable,
                "the phone on port " + port.view.label + " is not known");
  if (parts_.catalogue.FindByType(port.view.phone.product) == nullptr)
    return Fail(ErrorCode::kProductUnknown, port.view.phone.product);
  return {};
}

void Cart::Try(const TrySpec& spec, Act<ledger::JobRow> act) {
  const Result<PortKey> key = Resolve(spec.port);
  if (!key) return act.reply(std::unexpected(key.error()));
  Port& port = PortFor(*key);
  if (const Status may = MayTry(port); !may) return act.reply(std::unexpected(may.error()));
  const auto firmware = parts_.firmware.Choose(spec.firmware, port.view.phone.product);
  if (!firmware) return act.reply(std::unexpected(firmware.error()));
  ledger::JobRow job = NewJob(
      port, spec.action == Action::kUpdate ? Action::kTryUpdate : Action::kTryErase, act.actor);
  job.firmware_sha256 = ToHex(firmware->sha256);
  job.firmware_version = VersionText(*firmware);
  TakeUp(port, job);
  port.ask_ticket = spec.ask_ticket;
  Apply(port, PortEvent::kTry);
  Commit({Event("try", act.actor, &port)}, job, std::move(act));
}

void Cart::StoreTry(Port& port) {
  parts_.ledger.Append(
      {ledger::PutJob{*port.job}}, [this, &port, id = port.job->id](Status status) {
        if (!port.job || port.job->id != id || port.view.state != PortState::kQueued) return;
        if (status) return QueueJob(port);
        port.job->error = ErrorCode::kLedger;
        port.job->context = status.error().context;
        Apply(port, PortEvent::kEndedBadly);
      });
}

}  // namespace station::daemon
