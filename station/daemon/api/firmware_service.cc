#include <condition_variable>
#include <mutex>

#include "station/daemon/api/convert.h"
#include "station/daemon/api/services.h"

namespace station::daemon {
namespace {

using namespace std::chrono_literals;

constexpr auto kReportInterval = 200ms;

// Between the state thread that hears the fetcher and the gRPC thread that tells the caller; only
// the latest counts.
struct ImportNews {
  std::mutex mutex;
  std::condition_variable wake;
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  std::optional<Result<store::Entry>> result;
};

Imports::Asker AskerFor(const std::shared_ptr<ImportNews>& news) {
  return {.progress =
              [news](std::uint64_t done, std::uint64_t total) {
                const std::lock_guard lock(news->mutex);
                news->done = done;
                news->total = total;
              },
          .done =
              [news](Result<store::Entry> result) {
                const std::lock_guard lock(news->mutex);
                news->result = std::move(result);
                news->wake.notify_one();
              }};
}

}  // namespace

grpc::Status FirmwareService::AddFirmware(grpc::ServerContext* context,
                                          const v1::AddFirmwareRequest* request,
                                          grpc::ServerWriter<v1::AddFirmwareResponse>* writer) {
  if (const Status may = Require(role_, Role::kOperator); !may) return ToGrpc(may);
  // shared_ptr: the import goes on when the caller hangs up.
  const auto news = std::make_shared<ImportNews>();
  const auto added = parts_.acts.State().Read<bool>([&] {
    parts_.imports.Add(request->path(), request->sha256(), AskerFor(news));
    return true;
  });
  if (!added) return ToGrpc(added.error());
  std::uint64_t told = 0;
  while (!context->IsCancelled()) {
    std::unique_lock lock(news->mutex);
    news->wake.wait_for(lock, kReportInterval, [&] { return news->result.has_value(); });
    v1::AddFirmwareResponse response;
    response.set_bytes_done(news->done);
    response.set_bytes_total(news->total);
    const std::optional<Result<store::Entry>> result = news->result;
    lock.unlock();
    if (result && !*result) return ToGrpc(result->error());
    if (result) ToProto(**result, 0, *response.mutable_firmware());
    if ((result || response.bytes_done() != told) && !writer->Write(response)) break;
    told = response.bytes_done();
    if (result) return grpc::Status::OK;
  }
  return grpc::Status::CANCELLED;
}

grpc::Status FirmwareService::ListFirmware(grpc::ServerContext*, const v1::ListFirmwareRequest*,
                                           v1::ListFirmwareResponse* response) {
  struct Shelved {
    std::vector<store::Entry> entries;
    std::map<std::string, int> leases;
  };
  const auto shelved = parts_.acts.State().Read<Shelved>([&] {
    return Shelved{parts_.firmware.Entries(), parts_.cart.Leases()};
  });
  if (!shelved) return ToGrpc(shelved.error());
  for (const store::Entry& entry : shelved->entries) {
    const auto leases = shelved->leases.find(ToHex(entry.sha256));
    ToProto(entry, leases == shelved->leases.end() ? 0 : leases->second, *response->add_firmware());
  }
  return grpc::Status::OK;
}

}  // namespace station::daemon
