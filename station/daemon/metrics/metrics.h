#pragma once
// What Prometheus sees. Labels are port label, product, state, step, outcome, error code: never a
// phone's identity.
//
// Counters whose increase is looked at (`station_port_jobs_total`, `station_job_errors_total`, ...)
// exist with value 0 before anything happens: a counter that appears with 1 shows no increase.
// `station_jobs_total` tells all labels at once and therefore holds only what occurred.

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "station/daemon/cart/view.h"
#include "station/store/keeper/entry.h"

namespace station::daemon {

class Metrics : public CartObserver {
 public:
  Metrics(const std::string& version, const std::string& station_name);

  void OnPort(const PortView& port) override;
  void OnCart(const CartView& cart) override;
  void OnJobEnded(const ledger::JobRow& job) override;
  void OnRung(const PortView& port) override;
  void OnHubLost(const std::string& hub, std::size_t phones) override;
  void OnStepEnded(Step step, std::chrono::duration<double> time) override;
  void OnBytes(const PortView& port, std::uint64_t more) override;

  void SetFirmware(const std::vector<store::Entry>& entries);
  struct Store {
    std::uint64_t bytes = 0;
    std::uint64_t budget = 0;  // 0: no limit
    std::size_t quarantined = 0;
  };
  void SetStore(const Store& store);
  // Everything that is being taken in together; bytes.
  void SetImports(std::uint64_t done, std::uint64_t total, double bytes_per_second);
  void OnRot();
  void SetWorkers(std::size_t running);
  // From any thread.
  void OnCommit(std::chrono::duration<double> time);

  [[nodiscard]] std::shared_ptr<prometheus::Registry> Registry() const { return registry_; }

 private:
  template <typename Metric>
  using Family = prometheus::Family<Metric>;
  struct PortSeries {
    std::string label;
    std::map<PortState, prometheus::Gauge*> states;
    prometheus::Gauge* state_number = nullptr;
    prometheus::Gauge* step = nullptr;   // of the running step; none otherwise
    prometheus::Gauge* error = nullptr;  // of the code the port shows; none otherwise
    prometheus::Gauge* progress = nullptr;
    prometheus::Gauge* rate = nullptr;
    prometheus::Gauge* eta = nullptr;
    prometheus::Gauge* moved = nullptr;
    prometheus::Gauge* quarantined = nullptr;
    prometheus::Gauge* attempts = nullptr;
    prometheus::Gauge* failures = nullptr;
    PortView shown{};  // what the series say
  };
  PortSeries& SeriesOf(const PortView& port);
  void AddSeries(PortSeries& series, const PortView& port);
  void Remove(PortSeries& series);
  void ShowStep(PortSeries& series, const PortView& port);
  void ShowError(PortSeries& series, const PortView& port);

  std::shared_ptr<prometheus::Registry> registry_;  // the exposer keeps only a weak one
  Family<prometheus::Gauge>& port_state_;
  Family<prometheus::Gauge>& port_state_number_;
  Family<prometheus::Gauge>& port_step_;
  Family<prometheus::Gauge>& port_error_;
  Family<prometheus::Gauge>& port_progress_;
  Family<prometheus::Gauge>& port_rate_;
  Family<prometheus::Gauge>& port_eta_;
  Family<prometheus::Gauge>& port_moved_;
  Family<prometheus::Gauge>& port_quarantined_;
  Family<prometheus::Gauge>& port_attempts_;
  Family<prometheus::Gauge>& port_failures_;
  Family<prometheus::Counter>& rungs_;
  prometheus::Counter& hub_losses_;
  Family<prometheus::Counter>& port_jobs_;
  Family<prometheus::Counter>& jobs_;
  Family<prometheus::Counter>& job_errors_;
  Family<prometheus::Histogram>& job_seconds_;
  Family<prometheus::Histogram>& step_seconds_;
  Family<prometheus::Counter>& streamed_bytes_;
  prometheus::Gauge& workers_running_;
  prometheus::Gauge& jobs_working_;
  prometheus::Gauge& jobs_queued_;
  prometheus::Gauge& concurrency_limit_;
  prometheus::Gauge& firmware_entries_;
  prometheus::Gauge& firmware_bytes_;
  prometheus::Gauge& store_bytes_;
  prometheus::Gauge& store_budget_;
  prometheus::Gauge& quarantined_;
  prometheus::Counter& rotted_;
  prometheus::Gauge& import_done_;
  prometheus::Gauge& import_total_;
  prometheus::Gauge& import_rate_;
  prometheus::Gauge& emergency_stop_;
  prometheus::Gauge& drain_;
  std::map<scheduler::Budget, prometheus::Gauge*> jobs_waiting_;
  prometheus::Gauge& mux_connected_;
  prometheus::Histogram& commit_seconds_;
  std::map<PortKey, PortSeries> ports_;
};

}  // namespace station::daemon
