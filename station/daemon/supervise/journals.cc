#include "station/daemon/supervise/journals.h"

#include <algorithm>

#include "station/daemon/supervise/messages.h"
#include "station/link/journal.h"

namespace station::daemon {

bool HasOrders(const std::filesystem::path& folder, JobId job, int attempt) {
  const auto records = link::ReadJournal(folder / TaskName(job));
  return records && std::ranges::any_of(*records, [&](const worker::v1::JournalRecord& record) {
           return record.has_orders() && record.orders().attempt() == attempt;
         });
}

std::optional<Ended> LastWord(const std::filesystem::path& folder, JobId job, int attempt) {
  const auto records = link::ReadJournal(folder / TaskName(job));
  if (!records) return std::nullopt;
  std::optional<Ended> last;
  int current = 1;
  for (const worker::v1::JournalRecord& record : *records) {
    if (record.has_orders()) {
      current = record.orders().attempt();
      last.reset();
    } else if (record.has_finished()) {
      last = FromMessage(record.finished());
    }
  }
  return current == attempt ? last : std::nullopt;
}

}  // namespace station::daemon
