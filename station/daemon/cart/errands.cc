#include "station/daemon/cart/errands.h"

#include <algorithm>
#include <chrono>

namespace station::daemon {

std::string Errands::Start(const std::string& kind, decltype(Task::orders) orders, Asker asker) {
  // Numbers go on after a restart: a fetcher of the daemon before may still run.
  last_number_ = std::max(last_number_ + 1, ToUnixMillis(clock_.Wall()).value / 1000);
  const std::string task = kind + "-" + std::to_string(last_number_);
  running_[task].asker = std::move(asker);
  if (const Status started = workers_.Start({task, std::move(orders)}); !started)
    clock_.After(std::chrono::milliseconds(0), [this, task, error = started.error()] {
      End(task, {.error = error.code, .context = error.context});
    });
  return task;
}

void Errands::OnProgress(const std::string& task, const ProgressReport& report) {
  if (const auto found = running_.find(task); found != running_.end())
    found->second.asker.progress(report);
}

void Errands::OnFound(const std::string& task, const std::vector<Offer>& offers) {
  if (const auto found = running_.find(task); found != running_.end())
    found->second.offers = offers;
}

void Errands::OnFinished(const std::string& task, const Ended& ended) { End(task, ended); }

void Errands::OnGone(const std::string& task) {
  End(task, {.error = ErrorCode::kWorkerDied, .context = "the fetcher ended without a word"});
}

void Errands::End(const std::string& task, const Ended& ended) {
  auto errand = running_.extract(task);
  if (errand.empty()) return;
  errand.mapped().asker.done({ended, std::move(errand.mapped().offers)});
}

}  // namespace station::daemon
