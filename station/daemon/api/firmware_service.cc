#include <algorithm>
#include <cctype>
#include <condition_variable>
#include <mutex>

#include "station/daemon/api/convert.h"
#include "station/daemon/api/services.h"

namespace station::daemon {
namespace {

using namespace std::chrono_literals;

constexpr auto kReportInterval = 200ms;

std::string LowerCase(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// Between the state thread that hears the fetcher and the gRPC thread that tells the caller; only
// the latest counts.
struct ImportNews {
  std::mutex mutex;
  std::condition_variable wake;
  TakingIn view;
  std::optional<Result<store::Entry>> result;
};

Imports::Asker AskerFor(const std::shared_ptr<ImportNews>& news) {
  return {.progress =
              [news](const TakingIn& view) {
                const std::lock_guard lock(news->mutex);
                news->view = view;
              },
          .done =
              [news](Result<store::Entry> result) {
                const std::lock_guard lock(news->mutex);
                news->result = std::move(result);
                news->wake.notify_one();
              }};
}

v1::AddFirmwareResponse ResponseOf(const TakingIn& view) {
  v1::AddFirmwareResponse response;
  response.set_bytes_done(view.bytes_done);
  response.set_bytes_total(view.bytes_total);
  response.set_bytes_per_second(view.bytes_per_second);
  if (view.eta) response.mutable_eta()->set_seconds(view.eta->count());
  response.set_waits(view.waits);
  return response;
}

void Describe(const store::Entry& entry, int leases, const FirmwareNote& note,
              v1::Firmware& message) {
  ToProto(entry, leases, message);
  message.set_pinned(note.pinned);
  const auto at = [](std::int64_t seconds) { return ledger::UnixMillis{seconds * 1000}; };
  if (note.used != 0) ToProto(at(note.used), *message.mutable_used_at());
  if (note.checked != 0) ToProto(at(note.checked), *message.mutable_checked_at());
}

Wanted WantedOf(const v1::AddFirmwareRequest& request) {
  return {.path = request.path(),
          .urls = {request.urls().begin(), request.urls().end()},
          .sha256 = LowerCase(request.sha256()),
          .sha1 = LowerCase(request.sha1())};
}

}  // namespace

grpc::Status FirmwareService::AddFirmware(grpc::ServerContext* context,
                                          const v1::AddFirmwareRequest* request,
                                          grpc::ServerWriter<v1::AddFirmwareResponse>* writer) {
  if (const Status may = Require(role_, Role::kOperator); !may) return ToGrpc(may);
  // shared_ptr: the import goes on when the caller hangs up.
  const auto news = std::make_shared<ImportNews>();
  const auto added = parts_.acts.State().Read<bool>([&] {
    parts_.imports.Add(WantedOf(*request), AskerFor(news));
    return true;
  });
  if (!added) return ToGrpc(added.error());
  std::uint64_t told = 0;
  bool told_it_waits = false;
  while (!context->IsCancelled()) {
    std::unique_lock lock(news->mutex);
    news->wake.wait_for(lock, kReportInterval, [&] { return news->result.has_value(); });
    v1::AddFirmwareResponse response = ResponseOf(news->view);
    const std::optional<Result<store::Entry>> result = news->result;
    lock.unlock();
    if (result && !*result) return ToGrpc(result->error());
    if (result) ToProto(**result, 0, *response.mutable_firmware());
    const bool news_to_tell =
        result || response.bytes_done() != told || response.waits() != told_it_waits;
    if (news_to_tell && !writer->Write(response)) break;
    told = response.bytes_done();
    told_it_waits = response.waits();
    if (result) return grpc::Status::OK;
  }
  return grpc::Status::CANCELLED;
}

grpc::Status FirmwareService::ListFirmware(grpc::ServerContext*, const v1::ListFirmwareRequest*,
                                           v1::ListFirmwareResponse* response) {
  const auto listed = parts_.acts.State().Read<std::vector<v1::Firmware>>([&] {
    std::vector<v1::Firmware> all;
    const std::map<std::string, int> leases = parts_.cart.Leases();
    for (const store::Entry& entry : parts_.firmware.Entries()) {
      const auto held = leases.find(ToHex(entry.sha256));
      Describe(entry, held == leases.end() ? 0 : held->second, parts_.keeper.NoteOf(entry.sha256),
               all.emplace_back());
    }
    return all;
  });
  if (!listed) return ToGrpc(listed.error());
  response->mutable_firmware()->Add(listed->begin(), listed->end());
  return grpc::Status::OK;
}

}  // namespace station::daemon
