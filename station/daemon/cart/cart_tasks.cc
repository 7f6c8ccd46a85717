// What workers say about running jobs.

#include "station/base/log.h"
#include "station/base/step_table.h"
#include "station/daemon/cart/cart.h"

namespace station::daemon {
namespace {

// A worker ends a step that is over its deadline by itself; one that cannot is ended.
constexpr std::chrono::seconds kWorkersOwn{15};

}  // namespace

void Cart::OnStep(const std::string& task, const StepReport& report) {
  Port* port = PortOfTask(task);
  if (port == nullptr || port->task_ended || port->identify || !port->job) return;
  ledger::JobRow& job = *port->job;
  const bool same_step = port->step && port->step->step == report.step;
  if (!report.signer_root.empty()) {
    job.signer_root = report.signer_root;
    job.simulated = report.signer_root.find("Rack") != std::string::npos;
    port->view.simulated = job.simulated;
  }
  Records records;
  if (!same_step) {
    CloseStep(*port, records);
    job.step = report.step;
    port->step = ledger::StepRow{.attempt = job.attempt,
                                 .step = report.step,
                                 .started = NowMillis(),
                                 .ended = {},
                                 .bytes = 0};
    port->step_began = parts_.clock.Now();
    port->meter.BeginStep(report.step, parts_.clock.Now());
    records.push_back(ledger::PutStep{job.id, *port->step});
    Log(LogLevel::kInfo, "step started",
        {{"job", std::to_string(job.id.value)},
         {"port", port->view.label},
         {"step", std::string(Name(report.step))}});
    TimeStep(*port, report.step);
  }
  records.push_back(ledger::PutJob{job});
  parts_.ledger.Append(std::move(records));
  if (!same_step && report.step > Step::kSign) {
    slots_.Release(port->view.key, scheduler::Budget::kSigning);
    Pump();
  }
  port->destructive = report.destructive || Spec(report.step).destructive;
  if (port->destructive)
    port->cancel_grace.Stop();
  else if (port->view.state == PortState::kCancelling)
    SendCancel(*port);
  port->view.progress = port->meter.View(parts_.clock.Now());
  Changed(*port);
}

void Cart::TimeStep(Port& port, Step step) {
  const auto limit = DeadlineOf(step, settings_.deadlines);
  if (limit.count() == 0) return;
  port.deadline.Set(limit + kWorkersOwn, [this, &port, step] {
    KillFor(port, ErrorCode::kStepTimeout, "step " + std::string(Name(step)));
  });
}

void Cart::OnProgress(const std::string& task, const ProgressReport& report) {
  Port* port = PortOfTask(task);
  if (port == nullptr || port->task_ended || port->identify || !port->job) return;
  const std::uint64_t more = port->meter.Report(report, parts_.clock.Now());
  port->view.progress = port->meter.View(parts_.clock.Now());
  if (more > 0) parts_.observer.OnBytes(port->view, more);
  if (report.step == Step::kStream) {
    streamed_ += more;
    SampleLater();
  }
  ProgressChanged(*port);
}

void Cart::OnFinished(const std::string& task, const Ended& ended) {
  Port* port = PortOfTask(task);
  if (port == nullptr || port->task_ended) return;
  if (port->identify) {
    const ErrorCode error =
        ended.error == ErrorCode::kNone ? ErrorCode::kPhoneIdentityUnreadable : ended.error;
    return IdentifyEnded(*port, error, ended.context);
  }
  if (port->job) FinishAttempt(*port, ended);
}

void Cart::OnGone(const std::string& task) {
  Port* port = PortOfTask(task);
  if (port == nullptr) return;
  port->task.clear();
  port->deadline.Stop();
  port->lease = {};
  if (!port->task_ended) {
    Ended ended{.error = ErrorCode::kWorkerDied, .context = "no last word"};
    if (port->killed_for != ErrorCode::kNone) {
      ended.error = port->killed_for;
      ended.context = port->ended_context;
    }
    if (port->identify) return IdentifyEnded(*port, ended.error, ended.context);
    if (!port->job) return;
    // It may have written what it could no longer say.
    FinishAttempt(*port, parts_.last_word(port->job->id, port->job->attempt).value_or(ended));
  }
  if (std::exchange(port->queue_when_gone, false) && port->view.state == PortState::kQueued)
    QueueJob(*port);
  identify_slots_.Remove(port->view.key);
  if (std::exchange(port->identify_when_gone, false)) QueueIdentify(*port);
  PumpIdentify();
}

}  // namespace station::daemon
