#include "station/daemon/recall.h"

#include <charconv>

#include "station/daemon/cart/imports.h"
#include "station/daemon/cart/keeper.h"

namespace station::daemon {
namespace {

constexpr std::size_t kMostOpenJobs = 10000;

}  // namespace

Result<Memory> ReadMemory(ledger::Reader& reader) {
  Memory memory;
  STATION_TRY(labels, reader.Labels());
  STATION_TRY(phones, reader.Phones());
  STATION_TRY(armings, reader.Armings(/*active_only=*/false));
  STATION_TRY(open_jobs, reader.Jobs({.before_id = 0,
                                      .limit = kMostOpenJobs,
                                      .running_only = true,
                                      .include_identify = true}));
  STATION_TRY(last_jobs, reader.LastJobs());
  STATION_TRY(stop, reader.Setting("emergency_stop"));
  STATION_TRY(drain, reader.Setting("drain"));
  STATION_TRY(downloads, reader.Settings(Imports::kLedgerPrefix));
  STATION_TRY(notes, reader.Settings(Keeper::kLedgerPrefix));
  memory.downloads = std::move(downloads);
  memory.firmware_notes = std::move(notes);
  memory.labels = std::move(labels);
  memory.phones = std::move(phones);
  memory.armings = std::move(armings);
  memory.open_jobs = std::move(open_jobs);
  memory.last_jobs = std::move(last_jobs);
  memory.emergency_stop = stop == "1";
  for (const Drain known : kAllDrains)
    if (drain == Name(known)) memory.drain = known;
  STATION_TRY(attempts, reader.LastAttempts(Cart::kMostFacts));
  memory.attempts = std::move(attempts);
  STATION_TRY(services, reader.Settings(Cart::kServicePrefix));
  for (const auto& [key, at] : services) {
    std::int64_t time = 0;
    std::from_chars(at.data(), at.data() + at.size(), time);
    memory.services.emplace(PortKey{key.substr(std::string_view(Cart::kServicePrefix).size())},
                            time);
  }
  return memory;
}

}  // namespace station::daemon
