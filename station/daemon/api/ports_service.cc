#include <charconv>

#include "station/daemon/api/convert.h"
#include "station/daemon/api/services.h"

namespace station::daemon {
namespace {

using namespace std::chrono_literals;

constexpr auto kLookForHangUp = 500ms;

Result<std::size_t> Offset(const std::string& token) {
  std::size_t offset = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), offset);
  if (!token.empty() && (error != std::errc() || end != token.data() + token.size()))
    return Fail(ErrorCode::kBadRequest, "not a page token of ListPorts: " + token.substr(0, 40));
  return offset;
}

}  // namespace

grpc::Status PortsService::ListPorts(grpc::ServerContext*, const v1::ListPortsRequest* request,
                                     v1::ListPortsResponse* response) {
  const auto ports =
      parts_.acts.State().Read<std::vector<PortView>>([&] { return parts_.cart.Ports(); });
  if (!ports) return ToGrpc(ports.error());
  const Result<std::size_t> offset = Offset(request->page_token());
  if (!offset) return ToGrpc(offset.error());
  const std::size_t size =
      request->page_size() > 0 ? static_cast<std::size_t>(request->page_size()) : ports->size();
  const std::size_t end = std::min(ports->size(), *offset + size);
  for (std::size_t i = *offset; i < end; ++i) ToProto((*ports)[i], *response->add_ports());
  if (end < ports->size()) response->set_next_page_token(std::to_string(end));
  return grpc::Status::OK;
}

grpc::Status PortsService::GetPort(grpc::ServerContext*, const v1::GetPortRequest* request,
                                   v1::Port* response) {
  const auto port =
      parts_.acts.State().Read<PortView>([&] { return parts_.cart.FindPort(request->port()); });
  if (!port) return ToGrpc(port.error());
  ToProto(*port, *response);
  return grpc::Status::OK;
}

grpc::Status PortsService::WatchPorts(grpc::ServerContext* context, const v1::WatchPortsRequest*,
                                      grpc::ServerWriter<v1::WatchPortsResponse>* writer) {
  const auto watcher = std::make_shared<Watcher>();
  const auto added = parts_.acts.State().Read<bool>([&] {
    parts_.hub.Add(watcher, parts_.cart.Ports());
    return true;
  });
  if (!added) return ToGrpc(added.error());
  bool connected = true;
  while (connected && !context->IsCancelled() && !watcher->Ended()) {
    const auto item = watcher->Next(kLookForHangUp);
    if (!item) continue;
    v1::WatchPortsResponse response;
    if (item->port)
      ToProto(*item->port, *response.mutable_port());
    else
      response.set_initial_state_complete(true);
    connected = writer->Write(response);
  }
  const bool ending = watcher->Ended();
  static_cast<void>(parts_.acts.State().Read<bool>([&] {
    parts_.hub.Remove(watcher);
    return true;
  }));
  return ending ? ToGrpc(Error{ErrorCode::kUnavailable, "the station is ending"})
                : grpc::Status::OK;
}

grpc::Status PortsService::LabelPort(grpc::ServerContext*, const v1::LabelPortRequest* request,
                                     v1::Port* response) {
  if (const Status may = Require(role_, Role::kOperator); !may) return ToGrpc(may);
  return parts_.acts.Perform<PortView>(
      "LabelPort", std::string(Name(role_)), *request, response,
      [](const PortView& port, v1::Port& message) { ToProto(port, message); },
      [&](Act<PortView> act) {
        parts_.cart.LabelPort(request->port(), request->label(), std::move(act));
      });
}

grpc::Status PortsService::ActOnPort(grpc::ServerContext*, const v1::ActOnPortRequest* request,
                                     v1::Port* response) {
  if (const Status may = Require(role_, Role::kOperator); !may) return ToGrpc(may);
  const Result<std::string> actor = ActorOf(request->actor(), role_);
  if (!actor) return ToGrpc(actor.error());
  const Result<PortActSpec> spec = FromProto(*request);
  if (!spec) return ToGrpc(spec.error());
  return parts_.acts.Perform<PortView>(
      "ActOnPort", *actor, *request, response,
      [](const PortView& port, v1::Port& message) { ToProto(port, message); },
      [&](Act<PortView> act) { parts_.cart.ActOnPort(*spec, std::move(act)); });
}

grpc::Status PortsService::ServicePort(grpc::ServerContext*, const v1::ServicePortRequest* request,
                                       v1::Port* response) {
  if (const Status may = Require(role_, Role::kOperator); !may) return ToGrpc(may);
  const Result<std::string> actor = ActorOf(request->actor(), role_);
  if (!actor) return ToGrpc(actor.error());
  return parts_.acts.Perform<PortView>(
      "ServicePort", *actor, *request, response,
      [](const PortView& port, v1::Port& message) { ToProto(port, message); },
      [&](Act<PortView> act) {
        parts_.cart.ServicePort(request->port(), request->replaced().substr(0, 200),
                                std::move(act));
      });
}

grpc::Status PortsService::ListBlame(grpc::ServerContext*, const v1::ListBlameRequest*,
                                     v1::ListBlameResponse* response) {
  const auto rows =
      parts_.acts.State().Read<std::vector<BlameRow>>([&] { return parts_.cart.BlameRows(); });
  if (!rows) return ToGrpc(rows.error());
  for (const BlameRow& row : *rows) ToProto(row, *response->add_blame());
  return grpc::Status::OK;
}

}  // namespace station::daemon
