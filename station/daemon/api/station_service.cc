#include "station/daemon/api/convert.h"
#include "station/daemon/api/services.h"

namespace station::daemon {

grpc::Status StationService::GetStation(grpc::ServerContext*, const v1::GetStationRequest*,
                                        v1::Station* response) {
  const auto view = parts_.acts.State().Read<CartView>([&] { return parts_.cart.View(); });
  if (!view) return ToGrpc(view.error());
  const StationFacts& facts = parts_.facts;
  response->set_name(facts.name);
  response->set_version(facts.version);
  response->set_emergency_stop(view->emergency_stop);
  response->set_drain(static_cast<v1::Drain>(view->drain));
  response->set_configured_limit(static_cast<std::int32_t>(view->configured));
  response->set_concurrency_limit(static_cast<std::int32_t>(view->limit));
  response->set_working(static_cast<std::int32_t>(view->working));
  response->set_queued(static_cast<std::int32_t>(view->queued));
  response->set_signing_url(facts.signing_url);
  response->set_metrics_address(facts.metrics_address);
  response->set_store_path(facts.store_path);
  response->set_ledger_path(facts.ledger_path);
  response->set_mux_connected(view->mux_connected);
  ToProto(facts.started, *response->mutable_started_at());
  return grpc::Status::OK;
}

}  // namespace station::daemon
