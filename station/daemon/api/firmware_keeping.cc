// The store's keeping as an operator asks for it: pin, remove, clear, verify, plan, export.

#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "station/daemon/api/convert.h"
#include "station/daemon/api/services.h"

namespace station::daemon {
namespace {

// How far a fetcher is, and what its end says; `last` is the answer when all went well.
template <typename Response>
Errands::Asker AskerFor(const Acts::Reports<Response>& reports,
                        std::function<Response(const Errands::Answer&)> last) {
  return {.done =
              [reports, last = std::move(last)](const Errands::Answer& answer) {
                if (answer.ended.error == ErrorCode::kNone) return reports.end(last(answer));
                reports.end(Fail(answer.ended.error, answer.ended.context));
              },
          .progress =
              [reports](const ProgressReport& report) {
                Response response;
                response.set_bytes_done(report.bytes_done);
                response.set_bytes_total(report.bytes_total);
                reports.tell(std::move(response));
              }};
}

}  // namespace

grpc::Status FirmwareService::PinFirmware(grpc::ServerContext*,
                                          const v1::PinFirmwareRequest* request,
                                          v1::Firmware* response) {
  if (const Status may = Require(role_, Role::kOperator); !may) return ToGrpc(may);
  return parts_.acts.Perform<store::Entry>(
      "PinFirmware", std::string(Name(role_)), *request, response,
      [pinned = request->pinned()](const store::Entry& entry, v1::Firmware& message) {
        ToProto(entry, 0, message);
        message.set_pinned(pinned);
      },
      [&](Act<store::Entry> act) {
        parts_.keeper.Pin(request->sha256(), request->pinned(), std::move(act));
      });
}

grpc::Status FirmwareService::RemoveFirmware(grpc::ServerContext*,
                                             const v1::RemoveFirmwareRequest* request,
                                             v1::Firmware* response) {
  if (const Status may = Require(role_, Role::kOperator); !may) return ToGrpc(may);
  return parts_.acts.Perform<store::Entry>(
      "RemoveFirmware", std::string(Name(role_)), *request, response,
      [](const store::Entry& entry, v1::Firmware& message) { ToProto(entry, 0, message); },
      [&](Act<store::Entry> act) { parts_.keeper.Remove(request->sha256(), std::move(act)); });
}

grpc::Status FirmwareService::ClearStore(grpc::ServerContext*, const v1::ClearStoreRequest* request,
                                         v1::ClearStoreResponse* response) {
  if (const Status may = Require(role_, Role::kOperator); !may) return ToGrpc(may);
  return parts_.acts.Perform<std::vector<Cleared>>(
      "ClearStore", std::string(Name(role_)), *request, response,
      [](const std::vector<Cleared>& all, v1::ClearStoreResponse& message) {
        for (const Cleared& one : all) {
          v1::ClearStoreResponse::Item& item = *message.add_items();
          item.set_what(one.what);
          item.set_name(one.name);
          item.set_bytes(one.bytes);
        }
      },
      [&](Act<std::vector<Cleared>> act) {
        parts_.keeper.Clear(request->dry_run(), std::move(act));
      });
}

grpc::Status FirmwareService::VerifyFirmware(
    grpc::ServerContext* context, const v1::VerifyFirmwareRequest* request,
    grpc::ServerWriter<v1::VerifyFirmwareResponse>* writer) {
  if (const Status may = Require(role_, Role::kOperator); !may) return ToGrpc(may);
  using Reports = Acts::Reports<v1::VerifyFirmwareResponse>;
  std::string task;
  const grpc::Status told =
      parts_.acts.PerformLong<v1::VerifyFirmwareRequest, v1::VerifyFirmwareResponse>(
          "VerifyFirmware", *context, *request, *writer, [&](const Reports& reports) -> Status {
            STATION_TRY(entry, parts_.firmware.Shelf().Find(request->sha256()));
            const auto last = [entry](const Errands::Answer&) {
              v1::VerifyFirmwareResponse response;
              ToProto(entry, 0, *response.mutable_firmware());
              return response;
            };
            task = parts_.keeper.Check(entry.sha256,
                                       AskerFor<v1::VerifyFirmwareResponse>(reports, last));
            return {};
          });
  if (!task.empty() && context->IsCancelled())
    (void)parts_.acts.State().Read<bool>([&] {
      parts_.keeper.StopCheck(task);
      return true;
    });
  return told;
}

grpc::Status FirmwareService::ExportFirmware(
    grpc::ServerContext* context, const v1::ExportFirmwareRequest* request,
    grpc::ServerWriter<v1::ExportFirmwareResponse>* writer) {
  if (const Status may = Require(role_, Role::kOperator); !may) return ToGrpc(may);
  if (!std::filesystem::path(request->folder()).is_absolute())
    return ToGrpc(Error{ErrorCode::kBadRequest, "the folder's path must be absolute"});
  using Reports = Acts::Reports<v1::ExportFirmwareResponse>;
  return parts_.acts.PerformLong<v1::ExportFirmwareRequest, v1::ExportFirmwareResponse>(
      "ExportFirmware", *context, *request, *writer, [&](const Reports& reports) -> Status {
        STATION_TRY(entry, parts_.firmware.Shelf().Find(request->sha256()));
        STATION_TRY(lease, parts_.firmware.Hold(entry.sha256));
        // shared_ptr: the lease lasts as long as the errand's asker, which is copied.
        const auto last = [held = std::make_shared<store::Lease>(std::move(lease))](
                              const Errands::Answer& answer) {
          v1::ExportFirmwareResponse response;
          response.set_path(answer.ended.context);
          return response;
        };
        parts_.errands.Start(
            "export", ExportTask{parts_.firmware.Root(), ToHex(entry.sha256), request->folder()},
            AskerFor<v1::ExportFirmwareResponse>(reports, last));
        return {};
      });
}

namespace {

constexpr std::chrono::milliseconds kLookAtCaller{200};

// What a fetcher found, between the state thread that hears it and the gRPC thread that waits.
struct ErrandNews {
  std::mutex mutex;
  std::condition_variable wake;
  std::optional<Errands::Answer> answer;
};

Errands::Asker AskerFor(const std::shared_ptr<ErrandNews>& news) {
  return {.done = [news](const Errands::Answer& answer) {
    const std::lock_guard lock(news->mutex);
    news->answer = answer;
    news->wake.notify_one();
  }};
}

// A model that is plugged in, and what is known of its firmware.
struct Model {
  Lack lack;
  int phones = 0;
  std::optional<store::Entry> stored;
  std::shared_ptr<ErrandNews> news = std::make_shared<ErrandNews>();
};

std::map<std::string, Model> ModelsSeen(const ApiParts& parts) {
  std::map<std::string, Model> models;
  for (const PortView& port : parts.cart.Ports()) {
    if (port.phone.product.empty() || port.phone.mode == PhoneMode::kNone) continue;
    Model& model = models[port.phone.product];
    model.lack.phone = port.phone;
    ++model.phones;
    if (auto entry = parts.firmware.Choose("", port.phone.product))
      model.stored = std::move(*entry);
  }
  return models;
}

void Fill(v1::PlannedFirmware& planned, const std::string& product, const Model& model) {
  planned.set_product(product);
  planned.set_product_name(model.lack.phone.product_name);
  planned.set_phones(model.phones);
  if (model.stored) ToProto(*model.stored, 0, *planned.mutable_stored());
  const auto& answer = model.news->answer;
  if (!answer) return;
  planned.set_error_code(static_cast<v1::ErrorCode>(answer->ended.error));
  if (answer->ended.error != ErrorCode::kNone)
    planned.set_what_to_do(std::string(OperatorLine(answer->ended.error)));
  const Offer* newest = ChooseOffer(answer->offers);
  if (newest == nullptr) return;
  planned.set_newest_version(newest->version);
  planned.set_newest_build(newest->build);
  planned.set_newest_signed(newest->is_signed.value_or(false));
  const bool there = model.stored && model.stored->build == newest->build;
  planned.set_bytes_to_fetch(there ? 0 : newest->size);
}

}  // namespace

grpc::Status FirmwareService::PlanFirmware(grpc::ServerContext* context,
                                           const v1::PlanFirmwareRequest*,
                                           v1::PlanFirmwareResponse* response) {
  const auto models = parts_.acts.State().Read<std::map<std::string, Model>>([&] {
    auto seen = ModelsSeen(parts_);
    if (parts_.supplies.HasCatalogue())
      for (auto& [product, model] : seen) parts_.supplies.Find(model.lack, AskerFor(model.news));
    return seen;
  });
  if (!models) return ToGrpc(models.error());
  for (const auto& [product, model] : *models) {
    std::unique_lock lock(model.news->mutex);
    while (parts_.supplies.HasCatalogue() && !model.news->answer && !context->IsCancelled())
      model.news->wake.wait_for(lock, kLookAtCaller);
    Fill(*response->add_models(), product, model);
  }
  std::error_code error;
  const auto space = std::filesystem::space(parts_.facts.store_path, error);
  if (!error) response->set_bytes_free(space.available);
  response->set_catalogues_asked(parts_.supplies.HasCatalogue());
  return grpc::Status::OK;
}

}  // namespace station::daemon
