#include "station/daemon/metrics/metrics.h"

#include <utility>

#include "scheduler/ladder.h"

namespace station::daemon {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using Buckets = prometheus::Histogram::BucketBoundaries;

const Buckets& JobBuckets() {
  static const Buckets buckets = {10,  20,  30,  45,  60,   90,   120,  180,
                                  300, 450, 600, 900, 1200, 1800, 2700, 3600};
  return buckets;
}
const Buckets& StepBuckets() {
  static const Buckets buckets = {0.1, 0.5, 1,   2,   5,    10,   20,  30,
                                  60,  120, 300, 600, 1200, 1800, 3600};
  return buckets;
}
const Buckets& CommitBuckets() {
  static const Buckets buckets = {0.0005, 0.001, 0.002, 0.005, 0.01, 0.025,
                                  0.05,   0.1,   0.25,  0.5,   1,    5};
  return buckets;
}

std::string Text(std::string_view text) { return std::string(text); }

bool Moved(const PortView& before, const PortView& now) {
  return before.state != now.state || before.progress.step != now.progress.step ||
         before.progress.fraction != now.progress.fraction ||
         before.progress.bytes_done != now.progress.bytes_done;
}

prometheus::Family<prometheus::Gauge>& GaugeFamily(prometheus::Registry& registry, const char* name,
                                                   const char* help) {
  return BuildGauge().Name(name).Help(help).Register(registry);
}
prometheus::Gauge& OneGauge(prometheus::Registry& registry, const char* name, const char* help) {
  return GaugeFamily(registry, name, help).Add({});
}

}  // namespace

Metrics::Metrics(const std::string& version, const std::string& station_name)
    : registry_(std::make_shared<prometheus::Registry>()),
      port_state_(GaugeFamily(*registry_, "station_port_state",
                              "1 for the state a port is in, 0 for the others")),
      port_state_number_(GaugeFamily(*registry_, "station_port_state_number",
                                     "The state a port is in, by its number in the API")),
      port_step_(GaugeFamily(*registry_, "station_port_step",
                             "Always 1, for the step that runs at a port")),
      port_error_(GaugeFamily(*registry_, "station_port_error",
                              "Always 1, for the error code a port shows")),
      port_progress_(GaugeFamily(*registry_, "station_port_progress_ratio",
                                 "How far the port's job is, 0 to 1")),
      port_rate_(GaugeFamily(*registry_, "station_port_bytes_per_second",
                             "Rate at which the port's running step moves bytes")),
      port_eta_(GaugeFamily(*registry_, "station_port_eta_seconds",
                            "Expected time to the end of the port's job, 0 while unknown")),
      port_moved_(GaugeFamily(*registry_, "station_port_progress_timestamp_seconds",
                              "When the port's state, step or progress last changed, since 1970")),
      port_quarantined_(GaugeFamily(*registry_, "station_port_quarantined",
                                    "1 while a port takes no new job until it was serviced")),
      port_attempts_(GaugeFamily(*registry_, "station_port_recent_attempts",
                                 "Attempts at a port that are looked at for blame")),
      port_failures_(GaugeFamily(*registry_, "station_port_recent_failures",
                                 "How many of those failed by cable, port or phone")),
      rungs_(BuildCounter()
                 .Name("station_ladder_rungs_total")
                 .Help("What was done to a port before a further attempt")
                 .Register(*registry_)),
      hub_losses_(BuildCounter()
                      .Name("station_hub_losses_total")
                      .Help("Hubs whose phones were all gone at once")
                      .Register(*registry_)
                      .Add({})),
      port_jobs_(BuildCounter()
                     .Name("station_port_jobs_total")
                     .Help("Restore jobs that ended, by port")
                     .Register(*registry_)),
      jobs_(BuildCounter()
                .Name("station_jobs_total")
                .Help("Restore jobs that ended, with everything known about them")
                .Register(*registry_)),
      job_errors_(BuildCounter()
                      .Name("station_job_errors_total")
                      .Help("Restore jobs that ended with an error code")
                      .Register(*registry_)),
      job_seconds_(BuildHistogram()
                       .Name("station_job_duration_seconds")
                       .Help("Restore jobs from their first worker's start to their end")
                       .Register(*registry_)),
      step_seconds_(BuildHistogram()
                        .Name("station_step_duration_seconds")
                        .Help("Steps of restore jobs")
                        .Register(*registry_)),
      streamed_bytes_(BuildCounter()
                          .Name("station_streamed_bytes_total")
                          .Help("Bytes sent to phones")
                          .Register(*registry_)),
      workers_running_(
          OneGauge(*registry_, "station_workers_running", "Worker and fetcher processes")),
      jobs_working_(OneGauge(*registry_, "station_jobs_working", "Jobs that have a worker slot")),
      jobs_queued_(OneGauge(*registry_, "station_jobs_queued", "Jobs that wait for a worker slot")),
      concurrency_limit_(OneGauge(*registry_, "station_concurrency_limit", "Worker slots")),
      firmware_entries_(OneGauge(*registry_, "station_firmware_entries", "Firmwares in the store")),
      firmware_bytes_(
          OneGauge(*registry_, "station_firmware_bytes", "Size of the firmwares in the store")),
      store_bytes_(OneGauge(*registry_, "station_store_bytes",
                            "Size of the store's entries on disk, with inflated images")),
      store_budget_(OneGauge(*registry_, "station_store_budget_bytes",
                             "What the store may hold, 0 without a limit")),
      quarantined_(OneGauge(*registry_, "station_firmware_quarantined",
                            "Firmwares in quarantine because they rotted")),
      rotted_(BuildCounter()
                  .Name("station_firmware_rotted_total")
                  .Help("Firmwares that were found to have rotted")
                  .Register(*registry_)
                  .Add({})),
      import_done_(OneGauge(*registry_, "station_import_done_bytes",
                            "What has come of the firmware being taken in")),
      import_total_(OneGauge(*registry_, "station_import_size_bytes",
                             "Size of the firmware being taken in, 0 while there is none")),
      import_rate_(OneGauge(*registry_, "station_import_bytes_per_second",
                            "Rate at which firmware is taken in")),
      emergency_stop_(
          OneGauge(*registry_, "station_emergency_stop", "1 while the emergency stop is on")),
      drain_(OneGauge(*registry_, "station_drain",
                      "0 while new work begins, 1 while it does not, 2 on account of the power")),
      mux_connected_(OneGauge(*registry_, "station_mux_connected", "1 while usbmuxd answers")),
      commit_seconds_(BuildHistogram()
                          .Name("station_ledger_commit_duration_seconds")
                          .Help("Commits of the ledger")
                          .Register(*registry_)
                          .Add({}, CommitBuckets())) {
  auto& waiting = GaugeFamily(*registry_, "station_jobs_waiting",
                              "Jobs that wait because a budget is used up, by the first that is");
  for (const scheduler::Budget budget : scheduler::kAllBudgets)
    jobs_waiting_[budget] = &waiting.Add({{"budget", Text(Name(budget))}});
  GaugeFamily(*registry_, "station_build_info", "Always 1")
      .Add({{"version", version}, {"station", station_name}})
      .Set(1);
  for (const ErrorInfo& info : AllErrorCodes())
    if (info.code != ErrorCode::kNone) job_errors_.Add({{"error", Text(info.name)}});
  for (const Step step : kAllSteps)
    if (step != Step::kNone) step_seconds_.Add({{"step", Text(Name(step))}}, StepBuckets());
}

void Metrics::Remove(PortSeries& series) {
  for (const auto& [state, gauge] : series.states) port_state_.Remove(gauge);
  if (series.state_number != nullptr) port_state_number_.Remove(series.state_number);
  if (series.step != nullptr) port_step_.Remove(series.step);
  if (series.error != nullptr) port_error_.Remove(series.error);
  if (series.progress != nullptr) port_progress_.Remove(series.progress);
  if (series.rate != nullptr) port_rate_.Remove(series.rate);
  if (series.eta != nullptr) port_eta_.Remove(series.eta);
  if (series.moved != nullptr) port_moved_.Remove(series.moved);
  if (series.quarantined != nullptr) port_quarantined_.Remove(series.quarantined);
  if (series.attempts != nullptr) port_attempts_.Remove(series.attempts);
  if (series.failures != nullptr) port_failures_.Remove(series.failures);
  series = {};
}

void Metrics::AddSeries(PortSeries& series, const PortView& port) {
  const prometheus::Labels labels = {{"port", port.label}};
  series.label = port.label;
  for (const PortState state : kAllPortStates)
    series.states[state] = &port_state_.Add({{"port", port.label}, {"state", Text(Name(state))}});
  series.state_number = &port_state_number_.Add(labels);
  series.progress = &port_progress_.Add(labels);
  series.rate = &port_rate_.Add(labels);
  series.eta = &port_eta_.Add(labels);
  series.moved = &port_moved_.Add(labels);
  series.moved->SetToCurrentTime();
  series.quarantined = &port_quarantined_.Add(labels);
  series.attempts = &port_attempts_.Add(labels);
  series.failures = &port_failures_.Add(labels);
  for (const scheduler::Rung rung : scheduler::kAllRungs)
    if (rung != scheduler::Rung::kNone && rung != scheduler::Rung::kQuarantine)
      rungs_.Add({{"port", port.label}, {"rung", Text(Name(rung))}});
  streamed_bytes_.Add(labels);
  for (const Outcome outcome : kAllOutcomes)
    if (outcome != Outcome::kNone)
      port_jobs_.Add({{"port", port.label}, {"outcome", Text(Name(outcome))}});
}

Metrics::PortSeries& Metrics::SeriesOf(const PortView& port) {
  PortSeries& series = ports_[port.key];
  if (series.progress != nullptr && series.label == port.label) return series;
  Remove(series);  // a new label: the old one's series end
  AddSeries(series, port);
  return series;
}

void Metrics::ShowStep(PortSeries& series, const PortView& port) {
  const bool runs = port.state == PortState::kWorking || port.state == PortState::kCancelling;
  const Step step = runs ? port.progress.step : Step::kNone;
  if (series.step != nullptr && series.shown.progress.step == step) return;
  if (series.step != nullptr) port_step_.Remove(std::exchange(series.step, nullptr));
  if (step == Step::kNone) return;
  series.step = &port_step_.Add({{"port", port.label}, {"step", Text(Name(step))}});
  series.step->Set(1);
}

void Metrics::ShowError(PortSeries& series, const PortView& port) {
  const ErrorCode error = port.Shown();
  if (series.error != nullptr && series.shown.Shown() == error) return;
  if (series.error != nullptr) port_error_.Remove(std::exchange(series.error, nullptr));
  if (error == ErrorCode::kNone) return;
  series.error = &port_error_.Add({{"port", port.label}, {"error", Text(Name(error))}});
  series.error->Set(1);
}

void Metrics::OnPort(const PortView& port) {
  PortSeries& series = SeriesOf(port);
  for (const auto& [state, gauge] : series.states) gauge->Set(state == port.state ? 1 : 0);
  series.state_number->Set(static_cast<double>(port.state));
  ShowStep(series, port);
  ShowError(series, port);
  series.progress->Set(port.progress.fraction);
  series.rate->Set(port.progress.bytes_per_second);
  series.eta->Set(port.progress.eta ? static_cast<double>(port.progress.eta->count()) : 0);
  series.quarantined->Set(port.quarantined ? 1 : 0);
  series.attempts->Set(static_cast<double>(port.attempts));
  series.failures->Set(static_cast<double>(port.failures));
  if (Moved(series.shown, port)) series.moved->SetToCurrentTime();
  series.shown = port;
}

void Metrics::OnCart(const CartView& cart) {
  jobs_working_.Set(static_cast<double>(cart.working));
  jobs_queued_.Set(static_cast<double>(cart.queued));
  concurrency_limit_.Set(static_cast<double>(cart.limit));
  emergency_stop_.Set(cart.emergency_stop ? 1 : 0);
  drain_.Set(static_cast<double>(cart.drain));
  for (const auto& [budget, gauge] : jobs_waiting_) {
    const auto found = cart.waiting_for.find(budget);
    gauge->Set(found == cart.waiting_for.end() ? 0 : static_cast<double>(found->second));
  }
  mux_connected_.Set(cart.mux_connected ? 1 : 0);
}

void Metrics::OnJobEnded(const ledger::JobRow& job) {
  const prometheus::Labels labels = {{"port", job.port_label},
                                     {"product", job.phone.product},
                                     {"outcome", Text(Name(job.outcome))},
                                     {"error", Text(Name(job.error))}};
  jobs_.Add(labels).Increment();
  port_jobs_.Add({{"port", job.port_label}, {"outcome", Text(Name(job.outcome))}}).Increment();
  if (job.error != ErrorCode::kNone)
    job_errors_.Add({{"error", Text(Name(job.error))}}).Increment();
  if (job.began.value == 0) return;
  job_seconds_
      .Add({{"product", job.phone.product}, {"outcome", Text(Name(job.outcome))}}, JobBuckets())
      .Observe(static_cast<double>(job.ended.value - job.began.value) / 1000);
}

void Metrics::OnRung(const PortView& port) {
  rungs_.Add({{"port", port.label}, {"rung", port.rung}}).Increment();
}

void Metrics::OnHubLost(const std::string&, std::size_t) { hub_losses_.Increment(); }

void Metrics::OnStepEnded(Step step, std::chrono::duration<double> time) {
  step_seconds_.Add({{"step", Text(Name(step))}}, StepBuckets()).Observe(time.count());
}

void Metrics::OnBytes(const PortView& port, std::uint64_t more) {
  streamed_bytes_.Add({{"port", port.label}}).Increment(static_cast<double>(more));
}

void Metrics::SetFirmware(const std::vector<store::Entry>& entries) {
  double bytes = 0;
  for (const store::Entry& entry : entries) bytes += static_cast<double>(entry.size);
  firmware_entries_.Set(static_cast<double>(entries.size()));
  firmware_bytes_.Set(bytes);
}

void Metrics::SetStore(const Store& store) {
  store_bytes_.Set(static_cast<double>(store.bytes));
  store_budget_.Set(static_cast<double>(store.budget));
  quarantined_.Set(static_cast<double>(store.quarantined));
}

void Metrics::SetImports(std::uint64_t done, std::uint64_t total, double bytes_per_second) {
  import_done_.Set(static_cast<double>(done));
  import_total_.Set(static_cast<double>(total));
  import_rate_.Set(bytes_per_second);
}

void Metrics::OnRot() { rotted_.Increment(); }

void Metrics::SetWorkers(std::size_t running) {
  workers_running_.Set(static_cast<double>(running));
}

void Metrics::OnCommit(std::chrono::duration<double> time) {
  commit_seconds_.Observe(time.count());
}

}  // namespace station::daemon
