#include <algorithm>
#include <cctype>

#include "station/daemon/api/convert.h"
#include "station/daemon/api/services.h"

namespace station::daemon {
namespace {

std::string LowerCase(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
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
  using Reports = Acts::Reports<v1::AddFirmwareResponse>;
  return parts_.acts.PerformLong<v1::AddFirmwareRequest, v1::AddFirmwareResponse>(
      "AddFirmware", *context, *request, *writer, [&](Reports reports) -> Status {
        parts_.imports.Add(
            WantedOf(*request),
            {.progress = [reports](const TakingIn& view) { reports.tell(ResponseOf(view)); },
             .done =
                 [reports](const Result<store::Entry>& entry) {
                   if (!entry) return reports.end(std::unexpected(entry.error()));
                   v1::AddFirmwareResponse last;
                   last.set_bytes_done(entry->size);
                   last.set_bytes_total(entry->size);
                   ToProto(*entry, 0, *last.mutable_firmware());
                   reports.end(std::move(last));
                 }});
        return {};
      });
}

grpc::Status FirmwareService::CancelFirmware(grpc::ServerContext*,
                                             const v1::CancelFirmwareRequest* request,
                                             v1::CancelFirmwareResponse* response) {
  if (const Status may = Require(role_, Role::kOperator); !may) return ToGrpc(may);
  return parts_.acts.Perform<std::string>(
      "CancelFirmware", std::string(Name(role_)), *request, response,
      [](const std::string& what, v1::CancelFirmwareResponse& message) { message.set_what(what); },
      [&](Act<std::string> act) { parts_.imports.Stop(request->what(), std::move(act)); });
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
