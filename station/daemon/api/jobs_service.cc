#include <charconv>

#include "station/daemon/api/convert.h"
#include "station/daemon/api/services.h"

namespace station::daemon {
namespace {

constexpr int kDefaultPage = 100;
constexpr int kLargestPage = 1000;

Result<ledger::JobQuery> QueryOf(const v1::ListJobsRequest& request) {
  ledger::JobQuery query;
  const std::string& token = request.page_token();
  const auto [end, error] =
      std::from_chars(token.data(), token.data() + token.size(), query.before_id);
  if (!token.empty() &&
      (error != std::errc() || end != token.data() + token.size() || query.before_id <= 0))
    return Fail(ErrorCode::kBadRequest, "not a page token of ListJobs: " + token.substr(0, 40));
  query.limit = static_cast<std::size_t>(
      request.page_size() > 0 ? std::min(request.page_size(), kLargestPage) : kDefaultPage);
  query.running_only = request.running_only();
  query.include_identify = request.include_identify();
  return query;
}

template <typename Request>
Result<JobRef> RefOf(const Request& request) {
  if ((request.id() == 0) == request.port().empty())
    return Fail(ErrorCode::kBadRequest, "name either a job's id or a port");
  return JobRef{{request.id()}, request.port()};
}

void JobToProto(const ledger::JobRow& job, v1::Job& message) { ToProto(job, message); }

}  // namespace

grpc::Status JobsService::PlanArm(grpc::ServerContext*, const v1::ArmRequest* request,
                                  v1::PlanArmResponse* response) {
  const Result<ArmSpec> spec = FromProto(*request);
  if (!spec) return ToGrpc(spec.error());
  const auto plan = parts_.acts.State().Read<ArmPlan>([&] { return parts_.cart.PlanArm(*spec); });
  if (!plan) return ToGrpc(plan.error());
  for (const ArmTarget& target : plan->targets) ToProto(target, *response->add_targets());
  ToProto(plan->fit, *response->mutable_fit());
  return grpc::Status::OK;
}

grpc::Status JobsService::Arm(grpc::ServerContext*, const v1::ArmRequest* request,
                              v1::ArmResponse* response) {
  if (const Status may = Require(role_, Role::kOperator); !may) return ToGrpc(may);
  const Result<std::string> actor = ActorOf(request->actor(), role_);
  if (!actor) return ToGrpc(actor.error());
  Result<ArmSpec> spec = FromProto(*request);
  if (!spec) return ToGrpc(spec.error());
  spec->actor = *actor;
  const auto convert = [now = parts_.clock.Wall()](const ArmAnswer& answer,
                                                   v1::ArmResponse& message) {
    ToProto(answer.arming, now, *message.mutable_arming());
    for (const ArmTarget& target : answer.targets) ToProto(target, *message.add_targets());
  };
  return parts_.acts.Perform<ArmAnswer>(
      "Arm", *actor, *request, response, convert,
      [&](Act<ArmAnswer> act) { parts_.cart.Arm(*spec, std::move(act)); });
}

grpc::Status JobsService::Disarm(grpc::ServerContext*, const v1::DisarmRequest* request,
                                 v1::DisarmResponse* response) {
  if (const Status may = Require(role_, Role::kOperator); !may) return ToGrpc(may);
  const Result<std::string> actor = ActorOf(request->actor(), role_);
  if (!actor) return ToGrpc(actor.error());
  const DisarmSpec spec{request->arming_id(), {request->ports().begin(), request->ports().end()}};
  return parts_.acts.Perform<int>(
      "Disarm", *actor, *request, response,
      [](const int& disarmed, v1::DisarmResponse& message) { message.set_disarmed(disarmed); },
      [&](Act<int> act) { parts_.cart.Disarm(spec, std::move(act)); });
}

grpc::Status JobsService::ListArmings(grpc::ServerContext*, const v1::ListArmingsRequest*,
                                      v1::ListArmingsResponse* response) {
  using Armings = std::vector<scheduler::Arming>;
  const auto armings = parts_.acts.State().Read<Armings>([&] {
    Armings all;
    for (const auto& [id, arming] : parts_.cart.Armings().All()) all.push_back(arming);
    return all;
  });
  if (!armings) return ToGrpc(armings.error());
  for (const scheduler::Arming& arming : *armings)
    ToProto(arming, parts_.clock.Wall(), *response->add_armings());
  return grpc::Status::OK;
}

grpc::Status JobsService::ListJobs(grpc::ServerContext*, const v1::ListJobsRequest* request,
                                   v1::ListJobsResponse* response) {
  Result<ledger::JobQuery> query = QueryOf(*request);
  if (!query) return ToGrpc(query.error());
  if (!request->port().empty()) {
    const auto port =
        parts_.acts.State().Read<PortView>([&] { return parts_.cart.FindPort(request->port()); });
    if (!port) return ToGrpc(port.error());
    query->port = port->key;
  }
  const auto jobs = parts_.acts.Reader().Jobs(*query);
  if (!jobs) return ToGrpc(jobs.error());
  for (const ledger::JobRow& job : *jobs) ToProto(job, *response->add_jobs());
  if (jobs->size() == query->limit)
    response->set_next_page_token(std::to_string(jobs->back().id.value));
  return grpc::Status::OK;
}

grpc::Status JobsService::GetJob(grpc::ServerContext*, const v1::GetJobRequest* request,
                                 v1::Job* response) {
  const auto job = parts_.acts.Reader().Job({request->id()});
  if (!job) return ToGrpc(job.error());
  if (!*job)
    return ToGrpc(
        Error{ErrorCode::kNotFound, "no job has the number " + std::to_string(request->id())});
  ToProto(**job, *response);
  return grpc::Status::OK;
}

grpc::Status JobsService::CancelJob(grpc::ServerContext*, const v1::CancelJobRequest* request,
                                    v1::Job* response) {
  if (const Status may = Require(role_, Role::kOperator); !may) return ToGrpc(may);
  const Result<std::string> actor = ActorOf(request->actor(), role_);
  if (!actor) return ToGrpc(actor.error());
  const Result<JobRef> ref = RefOf(*request);
  if (!ref) return ToGrpc(ref.error());
  return parts_.acts.Perform<ledger::JobRow>(
      "CancelJob", *actor, *request, response, JobToProto,
      [&](Act<ledger::JobRow> act) { parts_.cart.CancelJob(*ref, std::move(act)); });
}

grpc::Status JobsService::RetryJob(grpc::ServerContext*, const v1::RetryJobRequest* request,
                                   v1::Job* response) {
  if (const Status may = Require(role_, Role::kOperator); !may) return ToGrpc(may);
  const Result<std::string> actor = ActorOf(request->actor(), role_);
  if (!actor) return ToGrpc(actor.error());
  const Result<JobRef> ref = RefOf(*request);
  if (!ref) return ToGrpc(ref.error());
  return parts_.acts.Perform<ledger::JobRow>(
      "RetryJob", *actor, *request, response, JobToProto,
      [&](Act<ledger::JobRow> act) { parts_.cart.RetryJob(*ref, std::move(act)); });
}

grpc::Status JobsService::Try(grpc::ServerContext*, const v1::TryRequest* request,
                              v1::Job* response) {
  if (const Status may = Require(role_, Role::kOperator); !may) return ToGrpc(may);
  const Result<std::string> actor = ActorOf(request->actor(), role_);
  if (!actor) return ToGrpc(actor.error());
  const Result<TrySpec> spec = FromProto(*request);
  if (!spec) return ToGrpc(spec.error());
  return parts_.acts.Perform<ledger::JobRow>(
      "Try", *actor, *request, response, JobToProto,
      [&](Act<ledger::JobRow> act) { parts_.cart.Try(*spec, std::move(act)); });
}

grpc::Status JobsService::EmergencyStop(grpc::ServerContext*,
                                        const v1::EmergencyStopRequest* request,
                                        v1::EmergencyStopResponse* response) {
  if (const Status may = Require(role_, Role::kOperator); !may) return ToGrpc(may);
  const Result<std::string> actor = ActorOf(request->actor(), role_);
  if (!actor) return ToGrpc(actor.error());
  return parts_.acts.Perform<bool>(
      "EmergencyStop", *actor, *request, response,
      [](const bool& engaged, v1::EmergencyStopResponse& message) { message.set_engaged(engaged); },
      [&](Act<bool> act) { parts_.cart.SetEmergencyStop(request->engaged(), std::move(act)); });
}

grpc::Status JobsService::Drain(grpc::ServerContext*, const v1::DrainRequest* request,
                                v1::DrainResponse* response) {
  if (const Status may = Require(role_, Role::kOperator); !may) return ToGrpc(may);
  const Result<std::string> actor = ActorOf(request->actor(), role_);
  if (!actor) return ToGrpc(actor.error());
  const Result<station::Drain> drain = FromProto(request->drain());
  if (!drain) return ToGrpc(drain.error());
  const auto view = parts_.acts.State().Read<CartView>([&] { return parts_.cart.View(); });
  if (!view) return ToGrpc(view.error());
  return parts_.acts.Perform<station::Drain>(
      "Drain", *actor, *request, response,
      [working = view->working](const station::Drain& set, v1::DrainResponse& message) {
        message.set_drain(static_cast<v1::Drain>(set));
        message.set_working(static_cast<std::int32_t>(working));
      },
      [&](Act<station::Drain> act) { parts_.cart.SetDrain(*drain, std::move(act)); });
}

}  // namespace station::daemon
